#include "learning/onnx_graph.hpp"

#include <netcompute/assert.hpp>

#include <array>
#include <functional>
#include <numeric>

namespace netcompute::learning {
namespace {

// Protocol buffers: a field is its number and how it is written, then its value.

constexpr std::int64_t ir_version = 8;
constexpr std::int64_t opset = 17;
constexpr std::int64_t ml_opset = 3;
constexpr std::string_view ml_domain = "ai.onnx.ml";

enum class AttributeType : std::uint64_t {
    Whole = 2,
    Text = 3,
    Tensor = 4,
    Wholes = 7,
    Texts = 8,
};

std::string varint(std::uint64_t value) {
    std::string bytes;
    for (; value > 0x7F; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
    bytes += static_cast<char>(value);
    return bytes;
}

std::string number_field(std::uint32_t number, std::uint64_t value) {
    return varint(std::uint64_t{number} << 3) + varint(value);
}

/// A text, bytes, or a message.
std::string field(std::uint32_t number, std::string_view content) {
    std::string bytes = varint((std::uint64_t{number} << 3) | 2) + varint(content.size());
    bytes += content;
    return bytes;
}

template <typename T>
std::string packed(std::span<const T> values) {
    return std::string{as_text(std::as_bytes(values))};
}

// Messages by their fields' numbers in onnx.proto.

std::string tensor(OnnxGraph::Type type, std::span<const std::int64_t> shape,
                   std::string_view values, std::string_view name) {
    std::string message;
    for (const std::int64_t size : shape) {
        message += number_field(1, static_cast<std::uint64_t>(size));
    }
    message += number_field(2, static_cast<std::uint64_t>(type));
    message += values;
    return message + field(8, name);
}

std::string raw(std::string_view values) {
    return field(9, values);
}

std::string attribute(std::string_view name, AttributeType type, std::string_view value) {
    std::string message = field(1, name);
    message += value;
    return message + number_field(20, static_cast<std::uint64_t>(type));
}

/// An input or output of the model: [rows], or [rows][columns].
std::string value_info(std::string_view name, OnnxGraph::Type type, std::uint32_t columns) {
    std::string shape = field(1, field(2, "rows"));
    if (columns > 0) shape += field(1, number_field(1, columns));
    const std::string of = number_field(1, static_cast<std::uint64_t>(type)) + field(2, shape);
    return field(1, name) + field(2, field(1, of));
}

std::string operator_set(std::string_view domain, std::int64_t version) {
    return field(1, domain) + number_field(2, static_cast<std::uint64_t>(version));
}

}  // namespace

OnnxGraph::Attributes& OnnxGraph::Attributes::whole(std::string_view name, std::int64_t value) {
    encoded_.push_back(
        attribute(name, AttributeType::Whole, number_field(3, static_cast<std::uint64_t>(value))));
    return *this;
}

OnnxGraph::Attributes& OnnxGraph::Attributes::wholes(std::string_view name,
                                                     std::span<const std::int64_t> values) {
    std::string list;
    for (const std::int64_t value : values) {
        list += number_field(8, static_cast<std::uint64_t>(value));
    }
    encoded_.push_back(attribute(name, AttributeType::Wholes, list));
    return *this;
}

OnnxGraph::Attributes& OnnxGraph::Attributes::text(std::string_view name, std::string_view value) {
    encoded_.push_back(attribute(name, AttributeType::Text, field(4, value)));
    return *this;
}

OnnxGraph::Attributes& OnnxGraph::Attributes::texts(std::string_view name,
                                                    std::span<const std::string> values) {
    std::string list;
    for (const std::string& value : values) list += field(9, value);
    encoded_.push_back(attribute(name, AttributeType::Texts, list));
    return *this;
}

OnnxGraph::Attributes& OnnxGraph::Attributes::doubles(std::string_view name,
                                                      std::span<const double> values) {
    const std::array shape{static_cast<std::int64_t>(values.size())};
    const std::string of = tensor(Type::Double, shape, raw(packed(values)), name);
    encoded_.push_back(attribute(name, AttributeType::Tensor, field(5, of)));
    return *this;
}

std::string OnnxGraph::new_name() {
    return "v" + std::to_string(names_++);
}

std::string OnnxGraph::input(std::string_view name, Type type) {
    inputs_ += field(11, value_info(name, type, 1));
    return std::string{name};
}

std::string OnnxGraph::constant(Type type, std::span<const std::int64_t> shape,
                                std::string values) {
    std::string name = new_name();
    constants_ += field(5, tensor(type, shape, values, name));
    return name;
}

std::string OnnxGraph::constant(std::span<const double> values,
                                std::span<const std::int64_t> shape) {
    const auto size =
        std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies{});
    NETCOMPUTE_ASSERT(size == static_cast<std::int64_t>(values.size()), "a shape holds its values");
    return constant(Type::Double, shape, raw(packed(values)));
}

std::string OnnxGraph::constant(std::span<const std::int64_t> values) {
    const std::array shape{static_cast<std::int64_t>(values.size())};
    return constant(Type::Int64, shape, raw(packed(values)));
}

std::string OnnxGraph::constant(std::span<const std::string> values) {
    const std::array shape{static_cast<std::int64_t>(values.size())};
    std::string list;
    for (const std::string& value : values) list += field(6, value);
    return constant(Type::Text, shape, list);
}

std::string OnnxGraph::apply(std::string_view op, std::span<const std::string> inputs,
                             const Attributes& attributes, std::string_view domain) {
    return apply_for(op, inputs, 1, attributes, domain).front();
}

std::vector<std::string> OnnxGraph::apply_for(std::string_view op,
                                              std::span<const std::string> inputs,
                                              std::size_t outputs, const Attributes& attributes,
                                              std::string_view domain) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < outputs; ++i) names.push_back(new_name());
    std::string node;
    for (const std::string& input : inputs) node += field(1, input);
    for (const std::string& name : names) node += field(2, name);
    node += field(3, names.front()) + field(4, op);
    for (const std::string& each : attributes.encoded_) node += field(5, each);
    if (!domain.empty()) node += field(7, domain);
    nodes_ += field(1, node);
    return names;
}

void OnnxGraph::output(std::string_view name, const std::string& of, Type type,
                       std::uint32_t columns) {
    nodes_ += field(1, field(1, of) + field(2, name) + field(3, name) + field(4, "Identity"));
    outputs_ += field(12, value_info(name, type, columns));
}

Bytes OnnxGraph::file(std::span<const std::pair<std::string, std::string>> about) const {
    std::string model = number_field(1, static_cast<std::uint64_t>(ir_version));
    model += field(2, "NetCompute");
    model += field(7, nodes_ + field(2, "model") + constants_ + inputs_ + outputs_);
    model += field(8, operator_set("", opset)) + field(8, operator_set(ml_domain, ml_opset));
    for (const auto& [key, value] : about) model += field(14, field(1, key) + field(2, value));
    const auto bytes = as_byte_span(model);
    return {bytes.begin(), bytes.end()};
}

}  // namespace netcompute::learning
