/// Input: a config.json.
#include "fuzz_target.hpp"
#include <netcompute/config.hpp>
#include <netcompute/json_depth.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace netcompute::fuzz {
namespace {

using nlohmann::json;

constexpr std::string_view file_name = "config.json";

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

bool is_visible(char c) {
    return c > ' ' && c < '\x7f';
}

void check_values(const Config& config) {
    NETCOMPUTE_ASSERT(!config.master.ip.empty() && !config.dashboard.host.empty(),
                      "there is somewhere to listen");
    const std::array<std::uint16_t, 3> ports{config.master.task_port, config.master.result_port,
                                             config.master.heartbeat_port};
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const std::size_t next = (i + 1) % ports.size();
        NETCOMPUTE_ASSERT(ports[i] == 0 || ports[i] != ports[next],
                          "no two listeners of one address share a port");
    }
    NETCOMPUTE_ASSERT(config.dashboard.port == 0 || config.master.ip != config.dashboard.host ||
                          std::count(ports.begin(), ports.end(), config.dashboard.port) == 0,
                      "no two listeners of one address share a port");
    if (const auto& token = config.security.join_token) {
        NETCOMPUTE_ASSERT(token->size() >= join_token_bytes_min &&
                              token->size() <= join_token_bytes_max &&
                              std::all_of(token->begin(), token->end(), is_visible),
                          "a token can be typed and sent in a header");
    }
    for (const std::string& host : config.security.allowed_hosts) {
        NETCOMPUTE_ASSERT(!host.empty() && std::none_of(host.begin(), host.end(), is_upper),
                          "allowed hosts are names in lower case");
    }
}

/// Written out with everything that it says, a config is read as the same.
void check_rewritten(const Config& config) {
    const auto endpoints = parse_config(endpoints_text(config), "endpoints.json");
    NETCOMPUTE_ASSERT(
        endpoints && endpoints->master == config.master && endpoints->dashboard == config.dashboard,
        "endpoints.json is a config with the same addresses");
    json document = json::parse(endpoints_text(config));
    json& security = document["security"];
    security["allowed_hosts"] = config.security.allowed_hosts;
    security["trusted_proxies"] = config.security.trusted_proxies;
    if (const auto& token = config.security.join_token) security["join_token"] = *token;
    if (const auto& url = config.security.public_url) security["public_url"] = *url;
    const LimitsConfig& limits = config.limits;
    document["limits"] = {{"jobs", limits.jobs},
                          {"tasks_per_job", limits.tasks_per_job},
                          {"tasks", limits.tasks},
                          {"blob_bytes", limits.blob_bytes},
                          {"dataset_bytes", limits.dataset_bytes},
                          {"upload_bytes", limits.upload_bytes},
                          {"sessions_per_address", limits.sessions_per_address},
                          {"ended_jobs", limits.ended_jobs}};
    if (limits.connections != 0) document["limits"]["connections"] = limits.connections;
    if (limits.connections_per_address != 0) {
        document["limits"]["connections_per_address"] = limits.connections_per_address;
    }
    document["log"]["level"] = config.log.level;
    const auto again = parse_config(document.dump(), file_name);
    NETCOMPUTE_ASSERT(again && *again == config, "a config survives the way there and back");
}

/// Whether a message says, after the file's name, which key is meant: one of the document's, or of
/// those that are known.
bool names_a_key(std::string_view rest, const json& document) {
    std::vector<std::string> paths{"master.task_port", "master.result_port",
                                   "master.heartbeat_port", "dashboard.port"};
    const auto shown = [](const std::string& key) { return key.empty() ? "\"\"" : key; };
    for (const auto& [key, value] : document.items()) {
        paths.push_back(shown(key));
        if (!value.is_object()) continue;
        for (const auto& inner : value.items()) paths.push_back(key + "." + shown(inner.key()));
    }
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
        return rest.starts_with(path + ": ") || rest.starts_with(path + "[");
    });
}

/// A message about a token is the same for any other bad one of its length: it shows nothing of it.
void check_token_is_secret(const std::string& message, json document) {
    if (!message.starts_with("config.json: security.join_token: ")) return;
    json& token = document["security"]["join_token"];
    if (!token.is_string()) return;
    token = std::string(token.get_ref<const std::string&>().size(), ' ');
    const auto other = parse_config(document.dump(), file_name);
    NETCOMPUTE_ASSERT(!other && other.error().message == message,
                      "a message shows nothing of a token but its length");
}

void check_error(const Error& error, std::string_view text) {
    NETCOMPUTE_ASSERT(error.code == ErrorCode::InvalidArgument, "a bad config is a bad argument");
    const std::string prefix = std::string{file_name} + ": ";
    NETCOMPUTE_ASSERT(error.message.starts_with(prefix), "an error names its file");
    const std::string_view rest = std::string_view{error.message}.substr(prefix.size());
    if (rest.starts_with("holds arrays or objects more than")) return;  // Too deep to look into.
    const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (document.is_discarded()) {
        NETCOMPUTE_ASSERT(rest.starts_with("line ") || rest.starts_with("holds a number"),
                          "an error in the JSON says where it is");
    } else if (document.is_object()) {
        NETCOMPUTE_ASSERT(names_a_key(rest, document), "an error names its key");
        check_token_is_secret(error.message, document);
    }
}

}  // namespace

bool try_input(ByteSpan input) {
    const std::string_view text = as_text(input);
    const auto config = parse_config(text, file_name);
    if (!config) {
        check_error(config.error(), text);
        return false;
    }
    check_values(*config);
    check_rewritten(*config);
    return true;
}

}  // namespace netcompute::fuzz
