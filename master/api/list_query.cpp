#include "api/list_query.hpp"

#include "net/http/http_message.hpp"

#include <charconv>
#include <utility>

namespace netcompute::api {

Result<ListQuery> read_list_query(const std::string& query) {
    ListQuery read;
    if (const auto text = query_value(query, "limit")) {
        const auto [end, error] =
            std::from_chars(text->data(), text->data() + text->size(), read.limit);
        const bool is_number = error == std::errc{} && end == text->data() + text->size();
        if (!is_number || read.limit < 1 || read.limit > ListQuery::limit_max) {
            return unexpected(ErrorCode::InvalidArgument,
                              "limit: \"" + net::shown(*text) +
                                  "\" is not a whole number from 1 to " +
                                  std::to_string(ListQuery::limit_max));
        }
    }
    read.before = query_value(query, "before").value_or("");
    read.state = query_value(query, "state").value_or("");
    read.text = query_value(query, "q").value_or("");
    using Field = std::pair<const char*, const std::string*>;
    for (const auto& [name, text] :
         {Field{"before", &read.before}, Field{"state", &read.state}, Field{"q", &read.text}}) {
        if (text->size() > ListQuery::text_bytes_max) {
            return unexpected(ErrorCode::InvalidArgument,
                              std::string{name} + ": has " + std::to_string(text->size()) +
                                  " bytes; give at most " +
                                  std::to_string(ListQuery::text_bytes_max));
        }
    }
    return read;
}

std::string next_page(const Target& target, const ListQuery& query, const std::string& before) {
    std::string url =
        target.path + "?limit=" + std::to_string(query.limit) + "&before=" + encode_query(before);
    if (!query.state.empty()) url += "&state=" + encode_query(query.state);
    if (!query.text.empty()) url += "&q=" + encode_query(query.text);
    return url;
}

}  // namespace netcompute::api
