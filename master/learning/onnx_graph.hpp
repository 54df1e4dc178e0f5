#pragma once

#include <netcompute/bytes.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute::learning {

/// A graph in ONNX's own bytes (protocol buffers): what a model becomes for other programs. The
/// operators are those of opset 17 and, of domain "ai.onnx.ml", 3.
/// Source: onnx/onnx.proto, IR version 8.
class OnnxGraph {
 public:
    enum class Type : std::uint32_t { Float = 1, Int64 = 7, Text = 8, Bool = 9, Double = 11 };

    /// What an operator is told besides its inputs.
    class Attributes {
     public:
        Attributes& whole(std::string_view name, std::int64_t value);
        Attributes& wholes(std::string_view name, std::span<const std::int64_t> values);
        Attributes& text(std::string_view name, std::string_view value);
        Attributes& texts(std::string_view name, std::span<const std::string> values);
        /// A tensor of one dimension.
        Attributes& doubles(std::string_view name, std::span<const double> values);

     private:
        friend class OnnxGraph;
        std::vector<std::string> encoded_;
    };

    /// An input of the model, shape [rows][1]. Returns its name.
    std::string input(std::string_view name, Type type);

    /// Constants; they return their names. `shape` multiplies to the number of values.
    std::string constant(std::span<const double> values, std::span<const std::int64_t> shape);
    std::string constant(std::span<const std::int64_t> values);
    std::string constant(std::span<const std::string> values);

    /// One operator of one output, whose name it returns.
    std::string apply(std::string_view op, std::span<const std::string> inputs,
                      const Attributes& attributes = {}, std::string_view domain = "");

    /// The same of an operator of several outputs.
    std::vector<std::string> apply_for(std::string_view op, std::span<const std::string> inputs,
                                       std::size_t outputs, const Attributes& attributes = {},
                                       std::string_view domain = "");

    /// Gives what an operator returned to who runs the model, under a name. `columns`: the second
    /// dimension; 0: there is none.
    void output(std::string_view name, const std::string& of, Type type, std::uint32_t columns);

    /// The whole file. `about`: keys and values for who looks into it.
    [[nodiscard]] Bytes file(std::span<const std::pair<std::string, std::string>> about) const;

 private:
    std::string new_name();
    std::string constant(Type type, std::span<const std::int64_t> shape, std::string values);

    std::uint32_t names_ = 0;
    std::string nodes_;
    std::string constants_;
    std::string inputs_;
    std::string outputs_;
};

}  // namespace netcompute::learning
