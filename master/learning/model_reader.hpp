#pragma once

#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace netcompute::learning {

/// An object of model.json. Each read names the key and its value where something is wrong; the
/// first error is kept, so that a caller reads everything and looks once.
class ModelReader {
 public:
    /// The object and the error outlive it. `path` leads to the object: "preprocessing".
    ModelReader(const nlohmann::json& object, std::string path, Error& error);

    /// A finite one.
    double number(const char* key) { return number_of(value(key), key); }
    std::vector<double> numbers(const char* key);
    /// Lists of so many numbers, shape [rows][columns]; maybe fewer after an error.
    std::vector<double> matrix(const char* key, std::size_t rows, std::size_t columns);
    std::string text(const char* key) { return text_of(value(key), key); }
    std::vector<std::string> texts(const char* key);
    std::uint64_t count(const char* key);
    bool truth(const char* key);
    /// An empty one after an error.
    const nlohmann::json& array(const char* key);
    ModelReader object(const char* key) { return {value(key), path_of(key), error_}; }
    /// An object in a list, of which there is one with this index.
    ModelReader element(const char* key, std::size_t index);
    /// Nothing was wrong so far.
    [[nodiscard]] bool is_good() const { return error_.message.empty(); }
    [[nodiscard]] bool has(const char* key) const {
        return object_.is_object() && object_.contains(key);
    }
    /// Null if there is none.
    const nlohmann::json& value(const char* key);

    [[nodiscard]] const nlohmann::json& whole() const { return object_; }

    void fail(const std::string& key, const std::string& what);

 private:
    [[nodiscard]] std::string path_of(const std::string& key) const;
    double number_of(const nlohmann::json& found, const std::string& key);
    std::string text_of(const nlohmann::json& found, const std::string& key);

    const nlohmann::json& object_;
    std::string path_;
    Error& error_;
};

}  // namespace netcompute::learning
