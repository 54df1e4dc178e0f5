#include "data/model.hpp"

namespace netcompute::data {
namespace {

/// Read into a tree, it takes up to 16 times as much.
constexpr std::size_t model_bytes_max = std::size_t{32} << 20;

}  // namespace

Sha256 model_sha256(const programs::LogisticModel& linear) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.numbers(std::span{linear.weights});
    writer.number(linear.intercept);
    return sha256(bytes);
}

Result<Model> load_model(const InputFile& file) {
    const auto text = file.text(model_bytes_max);
    if (!text) return unexpected(text.error());
    return parse_model(*text, file.name());
}

}  // namespace netcompute::data
