#include "net/http/proxy_client.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace netcompute::net {
namespace http = boost::beast::http;
namespace {

constexpr std::string_view spaces = " \t";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

/// Calls with each part of a text between separators that stand outside of quotes.
template <typename Take>
void each_part(std::string_view text, char separator, Take take) {
    std::size_t begin = 0;
    bool is_quoted = false;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        const bool ends = at == text.size() || (text[at] == separator && !is_quoted);
        if (at < text.size() && text[at] == '"') is_quoted = !is_quoted;
        if (!ends) continue;
        take(trimmed(text.substr(begin, at - begin)));
        begin = at + 1;
    }
}

/// "10.0.0.7", "10.0.0.7:4711", "[2001:db8::7]:4711" or "2001:db8::7" without its port.
std::string_view without_port(std::string_view node) {
    if (node.starts_with('[')) return node.substr(1, node.find(']') - 1);
    const bool has_port = std::count(node.begin(), node.end(), ':') == 1;
    return has_port ? node.substr(0, node.find(':')) : node;
}

std::string_view without_quotes(std::string_view text) {
    const bool is_quoted = text.size() >= 2 && text.starts_with('"') && text.ends_with('"');
    return is_quoted ? text.substr(1, text.size() - 2) : text;
}

using Chain = std::vector<std::string>;

/// All hands that one header names, the first one first; as it writes them.
Chain x_forwarded_for(const HttpRequest& request) {
    Chain chain;
    const auto [begin, end] = request.equal_range("X-Forwarded-For");
    for (auto field = begin; field != end; ++field) {
        each_part({field->value().data(), field->value().size()}, ',',
                  [&](std::string_view node) { chain.emplace_back(without_port(node)); });
    }
    return chain;
}

Chain forwarded(const HttpRequest& request) {
    Chain chain;
    const auto [begin, end] = request.equal_range(http::field::forwarded);
    for (auto field = begin; field != end; ++field) {
        each_part({field->value().data(), field->value().size()}, ',', [&](std::string_view hop) {
            std::string_view node;
            each_part(hop, ';', [&](std::string_view pair) {
                const std::size_t equals = pair.find('=');
                if (equals == std::string_view::npos) return;
                if (!equal_ignoring_case(trimmed(pair.substr(0, equals)), "for")) return;
                node = without_quotes(trimmed(pair.substr(equals + 1)));
            });
            chain.emplace_back(without_port(node));
        });
    }
    return chain;
}

bool is_trusted(const IpAddress& address, const TrustedProxies& trusted) {
    return std::any_of(trusted.begin(), trusted.end(),
                       [&](const IpNetwork& network) { return network.contains(address); });
}

/// Nothing if a hand is named that is no address: who that is, nobody can say.
std::optional<IpAddress> asker(const Chain& chain, IpAddress remote,
                               const TrustedProxies& trusted) {
    IpAddress last = remote;
    for (auto hand = chain.rbegin(); hand != chain.rend(); ++hand) {
        const auto address = IpAddress::parse(*hand);
        if (!address) return std::nullopt;
        // A proxy's own PC asks it by a loopback address, which means another PC here.
        last = address->is_loopback() && !remote.is_loopback() ? last : *address;
        if (!is_trusted(*address, trusted)) break;
    }
    return last;
}

bool names_another_hand(const HttpRequest& request) {
    constexpr std::array<std::string_view, 8> names{
        "X-Forwarded-For",   "Forwarded",          "Via",        "X-Real-IP", "X-Forwarded-Host",
        "X-Forwarded-Proto", "X-Forwarded-Server", "X-Client-IP"};
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        return request.find(boost::beast::string_view{name.data(), name.size()}) != request.end();
    });
}

}  // namespace

ProxyClient client_of(const HttpRequest& request, const std::string& remote,
                      const TrustedProxies& trusted) {
    if (!names_another_hand(request)) return {remote, false, false};
    const ProxyClient unknown{remote, true, true};
    const auto proxy = IpAddress::parse(remote);
    if (!proxy || !is_trusted(*proxy, trusted)) return unknown;
    const Chain by_custom = x_forwarded_for(request);
    const Chain by_standard = forwarded(request);
    if (by_custom.empty() && by_standard.empty()) return unknown;
    const auto one = asker(by_custom.empty() ? by_standard : by_custom, *proxy, trusted);
    const auto other = asker(by_standard.empty() ? by_custom : by_standard, *proxy, trusted);
    if (!one || one != other) return unknown;
    return {one->text(), false, true};
}

}  // namespace netcompute::net
