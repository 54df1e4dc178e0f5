#pragma once

#include "engine/receipt.hpp"
#include "jobs/job_type.hpp"
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace netcompute::engine {

inline constexpr std::string_view receipt_format = "netcompute-receipt";

/// A receipt that was parsed and checked.
struct Receipt {
    std::string software;  ///< "netcompute 1.0.0".
    std::uint64_t job_id = 0;
    std::string job_name;
    std::string job_type;
    std::string job_state;  ///< "Succeeded", …
    nlohmann::json params;
    std::vector<jobs::JobInput> inputs;
    ReceiptWork work;
    nlohmann::json result;
    std::string root_sha256;  ///< 64 hexadecimal digits.
};

/// Reads what receipt_text() wrote and recomputes its root.
/// Errors, saying what is wrong: InvalidArgument for a text that is no receipt, that is not as it
/// was written, or that this version cannot read.
[[nodiscard]] Result<Receipt> read_receipt(std::string_view text);

/// The last line of a receipt.
[[nodiscard]] std::string root_line(std::string_view root_sha256);

/// Two lower-case hexadecimal digits a byte.
[[nodiscard]] std::string hex_of(ByteSpan bytes);

}  // namespace netcompute::engine
