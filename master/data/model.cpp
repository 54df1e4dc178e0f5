#include "data/model.hpp"

#include "data/atomic_file.hpp"
#include <netcompute/json_file.hpp>

namespace netcompute::data {
namespace {

constexpr std::size_t model_bytes_max = std::size_t{256} << 20;

}  // namespace

Sha256 model_sha256(const programs::LogisticModel& linear) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.numbers(std::span{linear.weights});
    writer.number(linear.intercept);
    return sha256(bytes);
}

Result<void> save_model(const Model& model, const std::filesystem::path& path) {
    return write_file_atomically(path, as_byte_span(model_text(model)));
}

Result<Model> load_model(const std::filesystem::path& path) {
    const auto text = read_text_file(path, model_bytes_max);
    if (text) return parse_model(*text, path.string());
    if (text.error().code != ErrorCode::NotFound) return unexpected(text.error());
    return unexpected(ErrorCode::NotFound,
                      path.string() + ": there is no model yet; train first (--mode train)");
}

}  // namespace netcompute::data
