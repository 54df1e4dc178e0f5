#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace netcompute::learning {

/// A document for people and programs: two blanks a level, but a list of numbers or words in one
/// line, which models of trees have by the million. Every double reads back as the same bits.
[[nodiscard]] std::string document_text(const nlohmann::ordered_json& document);

}  // namespace netcompute::learning
