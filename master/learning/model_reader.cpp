#include "learning/model_reader.hpp"

#include <netcompute/json_file.hpp>

#include <cmath>
#include <utility>

namespace netcompute::learning {
namespace {

std::string place_in(const std::string& key, std::size_t index) {
    return key + "[" + std::to_string(index) + "]";
}

}  // namespace

ModelReader::ModelReader(const nlohmann::json& object, std::string path, Error& error)
    : object_{object}, path_{std::move(path)}, error_{error} {
    if (!object_.is_object()) fail("", quote_json(object_) + " is not an object");
}

std::vector<double> ModelReader::numbers(const char* key) {
    std::vector<double> list;
    const nlohmann::json& found = array(key);
    for (std::size_t i = 0; i < found.size(); ++i) {
        list.push_back(number_of(found[i], place_in(key, i)));
    }
    return list;
}

std::vector<double> ModelReader::matrix(const char* key, std::size_t rows, std::size_t columns) {
    std::vector<double> cells;
    const nlohmann::json& lists = array(key);
    if (lists.size() != rows) {
        fail(key,
             "there are " + std::to_string(lists.size()) + " lists, not " + std::to_string(rows));
        return cells;
    }
    for (std::size_t row = 0; row < rows; ++row) {
        const nlohmann::json& list = lists[row];
        if (!list.is_array() || list.size() != columns) {
            fail(place_in(key, row),
                 "it must be a list of " + std::to_string(columns) + " numbers");
            return cells;
        }
        for (std::size_t i = 0; i < columns; ++i) {
            cells.push_back(number_of(list[i], place_in(place_in(key, row), i)));
        }
    }
    return cells;
}

std::vector<std::string> ModelReader::texts(const char* key) {
    std::vector<std::string> list;
    const nlohmann::json& found = array(key);
    for (std::size_t i = 0; i < found.size(); ++i) {
        list.push_back(text_of(found[i], place_in(key, i)));
    }
    return list;
}

std::uint64_t ModelReader::count(const char* key) {
    const nlohmann::json& found = value(key);
    if (found.is_number_unsigned()) return found.get<std::uint64_t>();
    fail(key, quote_json(found) + " is not a count");
    return 0;
}

bool ModelReader::truth(const char* key) {
    const nlohmann::json& found = value(key);
    if (found.is_boolean()) return found.get<bool>();
    fail(key, quote_json(found) + " is neither true nor false");
    return false;
}

const nlohmann::json& ModelReader::array(const char* key) {
    static const nlohmann::json none = nlohmann::json::array();
    const nlohmann::json& found = value(key);
    if (found.is_array()) return found;
    fail(key, quote_json(found) + " is not a list");
    return none;
}

ModelReader ModelReader::element(const char* key, std::size_t index) {
    return {array(key).at(index), path_of(place_in(key, index)), error_};
}

const nlohmann::json& ModelReader::value(const char* key) {
    static const nlohmann::json nothing;
    if (!object_.is_object()) return nothing;
    const auto found = object_.find(key);
    return found == object_.end() ? nothing : *found;
}

void ModelReader::fail(const std::string& key, const std::string& what) {
    if (!error_.message.empty()) return;
    error_ = {ErrorCode::InvalidArgument, path_of(key) + ": " + what};
}

std::string ModelReader::path_of(const std::string& key) const {
    return key.empty() || path_.empty() ? path_ + key : path_ + "." + key;
}

double ModelReader::number_of(const nlohmann::json& found, const std::string& key) {
    if (found.is_number() && std::isfinite(found.get<double>())) return found.get<double>();
    fail(key, quote_json(found) + " is not a finite number");
    return 0;
}

std::string ModelReader::text_of(const nlohmann::json& found, const std::string& key) {
    if (found.is_string()) return found.get<std::string>();
    fail(key, quote_json(found) + " is not a text");
    return {};
}

}  // namespace netcompute::learning
