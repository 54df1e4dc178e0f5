#include "learning/model.hpp"

namespace netcompute::learning {
namespace {

/// Read into a tree, it takes up to 16 times as much.
constexpr std::size_t model_bytes_max = std::size_t{32} << 20;

}  // namespace

Result<Model> load_model(const data::InputFile& file) {
    const auto text = file.text(model_bytes_max);
    if (!text) return unexpected(text.error());
    return parse_model(*text, file.name());
}

}  // namespace netcompute::learning
