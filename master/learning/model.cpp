#include "learning/model.hpp"

namespace netcompute::learning {

Result<Model> load_model(const data::InputFile& file) {
    const auto text = file.text(model_bytes_max);
    if (!text) return unexpected(text.error());
    return parse_model(*text, file.name());
}

}  // namespace netcompute::learning
