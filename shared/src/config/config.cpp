#include <netcompute/config.hpp>
#include <netcompute/ip_network.hpp>
#include <netcompute/json_file.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <utility>

namespace netcompute {
namespace {

using nlohmann::json;

constexpr std::size_t config_bytes_max = std::size_t{1} << 20;
constexpr std::size_t host_bytes_max = 255;
constexpr std::size_t allowed_hosts_max = 1000;
constexpr std::size_t networks_max = 1000;
constexpr std::size_t url_bytes_max = 500;
constexpr std::size_t text_npos = std::string_view::npos;

/// One object of the file while it is read. It keeps the first error, so that its caller may read
/// every key and look once.
class Section {
 public:
    Section(const json& object, std::string_view file, std::string path)
        : object_{object}, file_{file}, path_{std::move(path)} {}

    /// Refuses what is not an object, and keys that nobody knows.
    void expect_keys(std::initializer_list<std::string_view> known) {
        if (!object_.is_object()) {
            fail(path_, quote_json(object_) + " is not an object");
            return;
        }
        for (const auto& item : object_.items()) {
            if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
            std::string names;
            for (const std::string_view name : known) {
                names += (names.empty() ? "" : ", ") + std::string{name};
            }
            const std::string shown = item.key().empty() ? "\"\"" : item.key();
            fail(key_path(shown), "unknown key (known here: " + names + ")");
        }
    }

    [[nodiscard]] const json* find(std::string_view key) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(std::string{key});
        return found == object_.end() ? nullptr : &*found;
    }

    void read_port(std::string_view key, std::uint16_t& port) {
        const json* value = find(key);
        if (value == nullptr) return;
        if (const auto parsed = parse_port(*value)) {
            port = *parsed;
        } else {
            fail(key_path(key), quote_json(*value) + " is not a port (0..65535)");
        }
    }

    void read_host(std::string_view key, std::string& host) {
        const json* value = find(key);
        if (value == nullptr) return;
        if (is_host(*value)) {
            host = value->get<std::string>();
        } else {
            fail(key_path(key), quote_json(*value) + " is not a host name or an IP address");
        }
    }

    void read_token(std::string_view key, std::optional<std::string>& token) {
        const json* value = find(key);
        if (value == nullptr) return;
        if (!value->is_string()) {
            fail(key_path(key), "is not a text");
            return;
        }
        const std::string text = value->get<std::string>();
        // The messages say how long a token is, never what it is: logs are read by many.
        if (text.size() < join_token_bytes_min || text.size() > join_token_bytes_max) {
            fail(key_path(key), "has " + std::to_string(text.size()) + " characters; give " +
                                    std::to_string(join_token_bytes_min) + " to " +
                                    std::to_string(join_token_bytes_max) +
                                    ", or leave the key out to let everybody join");
        } else if (!std::all_of(text.begin(), text.end(), is_visible_ascii)) {
            fail(key_path(key), "may hold letters, digits and signs of ASCII only, no spaces");
        } else {
            token = text;
        }
    }

    void read_hosts(std::string_view key, std::vector<std::string>& hosts) {
        const json* value = find(key);
        if (value == nullptr) return;
        if (!value->is_array() || value->size() > allowed_hosts_max) {
            fail(key_path(key), quote_json(*value) + " is not a list of at most " +
                                    std::to_string(allowed_hosts_max) + " host names");
            return;
        }
        for (std::size_t i = 0; i < value->size(); ++i) {
            const json& host = (*value)[i];
            const std::string where = key_path(key) + "[" + std::to_string(i) + "]";
            if (!is_host(host)) {
                fail(where, quote_json(host) + " is not a host name or an IP address");
                return;
            }
            std::string name = host.get<std::string>();
            if (std::count(name.begin(), name.end(), ':') == 1) {
                fail(where, quote_json(host) + " holds a port; give the name alone");
                return;
            }
            std::transform(name.begin(), name.end(), name.begin(), to_lower);
            hosts.push_back(std::move(name));
        }
    }

    void read_networks(std::string_view key, std::vector<std::string>& networks) {
        const json* value = find(key);
        if (value == nullptr) return;
        if (!value->is_array() || value->size() > networks_max) {
            fail(key_path(key), quote_json(*value) + " is not a list of at most " +
                                    std::to_string(networks_max) + " addresses or networks");
            return;
        }
        for (std::size_t i = 0; i < value->size(); ++i) {
            const json& one = (*value)[i];
            if (!one.is_string() || !IpNetwork::parse(one.get_ref<const std::string&>())) {
                fail(key_path(key) + "[" + std::to_string(i) + "]",
                     quote_json(one) + " is neither an IP address nor a network like 10.0.0.0/8");
                return;
            }
            networks.push_back(one.get<std::string>());
        }
    }

    /// Keeps it with a slash at its end.
    void read_url(std::string_view key, std::optional<std::string>& url) {
        const json* value = find(key);
        if (value == nullptr) return;
        if (!is_url(*value)) {
            fail(key_path(key),
                 quote_json(*value) + " is not a URL like https://office.example/netcompute/");
            return;
        }
        url = value->get<std::string>();
        if (!url->ends_with('/')) *url += '/';
    }

    void read_count(std::string_view key, std::uint64_t count_max, std::uint64_t& count) {
        const json* value = find(key);
        if (value == nullptr) return;
        const bool fits = value->is_number_unsigned() && value->get<std::uint64_t>() >= 1 &&
                          value->get<std::uint64_t>() <= count_max;
        if (fits) {
            count = value->get<std::uint64_t>();
        } else {
            fail(key_path(key), quote_json(*value) + " is not a whole number from 1 to " +
                                    std::to_string(count_max));
        }
    }

    void read_log_level(std::string_view key, std::string& level) {
        const json* value = find(key);
        if (value == nullptr) return;
        const std::string given = value->is_string() ? value->get<std::string>() : "";
        if (std::ranges::find(log_level_names, given) != log_level_names.end()) {
            level = given;
            return;
        }
        std::string names;
        for (const std::string_view name : log_level_names) names += " " + std::string{name};
        fail(key_path(key), quote_json(*value) + " is not one of" + names);
    }

    [[nodiscard]] std::string key_path(std::string_view key) const {
        return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
    }
    void fail(const std::string& where, const std::string& what) {
        if (!error_.message.empty()) return;
        error_ = {ErrorCode::InvalidArgument,
                  std::string{file_} + ": " + (where.empty() ? "" : where + ": ") + what};
    }
    [[nodiscard]] const Error* error() const { return error_.message.empty() ? nullptr : &error_; }

 private:
    static bool is_visible_ascii(char c) { return c > ' ' && c < '\x7f'; }
    static char to_lower(char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    static bool is_host_character(char c) {
        const char lower = to_lower(c);
        return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view{".:-_%*"}.find(c) != std::string_view::npos;
    }
    static bool is_host(const json& value) {
        if (!value.is_string()) return false;
        const auto& text = value.get_ref<const std::string&>();
        return !text.empty() && text.size() <= host_bytes_max &&
               std::all_of(text.begin(), text.end(), is_host_character);
    }
    /// http or https, a host with or without a port, and a path.
    static bool is_url(const json& value) {
        if (!value.is_string()) return false;
        std::string_view text = value.get_ref<const std::string&>();
        if (text.size() > url_bytes_max) return false;
        const bool has_scheme = text.starts_with("http://") || text.starts_with("https://");
        if (!has_scheme) return false;
        text.remove_prefix(text.find("//") + 2);
        const std::string_view host = text.substr(0, text.find('/'));
        const std::string_view path = text.substr(host.size());
        const auto is_host_part = [](char c) {
            return is_host_character(c) ? c != '%' && c != '*' : c == '[' || c == ']';
        };
        const auto is_path_part = [](char c) {
            return is_visible_ascii(c) && std::string_view{"?#\"<>\\"}.find(c) == text_npos;
        };
        return !host.empty() && std::all_of(host.begin(), host.end(), is_host_part) &&
               std::all_of(path.begin(), path.end(), is_path_part);
    }
    static std::optional<std::uint16_t> parse_port(const json& value) {
        if (value.is_number_integer()) {
            const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() <= 65535;
            return fits ? std::optional{value.get<std::uint16_t>()} : std::nullopt;
        }
        if (!value.is_string()) return std::nullopt;
        const auto& text = value.get_ref<const std::string&>();
        std::uint16_t port = 0;
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, port);
        if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
        return port;
    }

    const json& object_;
    std::string_view file_;
    std::string path_;
    Error error_;
};

bool is_every_address(std::string_view host) {
    return host == "*" || host == "0.0.0.0" || host == "::";
}

/// Two listeners on one port, where the second could never bind.
Result<void> check_ports_differ(const Config& config, std::string_view file) {
    struct Listener {
        std::string_view key;
        std::string_view host;
        std::uint16_t port;
    };
    const std::array<Listener, 4> listeners{
        {{"master.task_port", config.master.ip, config.master.task_port},
         {"master.result_port", config.master.ip, config.master.result_port},
         {"master.heartbeat_port", config.master.ip, config.master.heartbeat_port},
         {"dashboard.port", config.dashboard.host, config.dashboard.port}}};
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const Listener& first = listeners[j];
            const Listener& second = listeners[i];
            const bool same_address = first.host == second.host || is_every_address(first.host) ||
                                      is_every_address(second.host);
            if (second.port == 0 || first.port != second.port || !same_address) continue;
            return unexpected(ErrorCode::InvalidArgument,
                              std::string{file} + ": " + std::string{second.key} + ": " +
                                  std::to_string(second.port) + " is also " +
                                  std::string{first.key} + "; give each a port of its own");
        }
    }
    return {};
}

}  // namespace

Result<Config> parse_config(std::string_view text, std::string_view name) {
    const Result<json> document = parse_json(text, name);
    if (!document) return unexpected(document.error());

    Section root{*document, name, ""};
    root.expect_keys({"master", "dashboard", "security", "limits", "log"});
    if (root.error() != nullptr) return unexpected(*root.error());

    Config config;
    const json empty = json::object();
    const auto section = [&](const char* key) {
        const json* value = root.find(key);
        return Section{value == nullptr ? empty : *value, name, key};
    };
    Section master = section("master");
    master.expect_keys({"ip", "task_port", "result_port", "heartbeat_port"});
    master.read_host("ip", config.master.ip);
    master.read_port("task_port", config.master.task_port);
    master.read_port("result_port", config.master.result_port);
    master.read_port("heartbeat_port", config.master.heartbeat_port);

    Section dashboard = section("dashboard");
    dashboard.expect_keys({"host", "port"});
    dashboard.read_host("host", config.dashboard.host);
    dashboard.read_port("port", config.dashboard.port);

    Section security = section("security");
    security.expect_keys({"join_token", "allowed_hosts", "trusted_proxies", "public_url"});
    security.read_token("join_token", config.security.join_token);
    security.read_hosts("allowed_hosts", config.security.allowed_hosts);
    security.read_networks("trusted_proxies", config.security.trusted_proxies);
    security.read_url("public_url", config.security.public_url);

    Section limits = section("limits");
    limits.expect_keys({"jobs", "tasks_per_job", "tasks", "blob_bytes", "dataset_bytes",
                        "upload_bytes", "sessions_per_address", "ended_jobs", "connections",
                        "connections_per_address"});
    limits.read_count("jobs", 100'000, config.limits.jobs);
    limits.read_count("tasks_per_job", 10'000'000, config.limits.tasks_per_job);
    limits.read_count("tasks", 1'000'000'000, config.limits.tasks);
    limits.read_count("blob_bytes", std::uint64_t{1} << 50, config.limits.blob_bytes);
    limits.read_count("dataset_bytes", std::uint64_t{1} << 50, config.limits.dataset_bytes);
    limits.read_count("upload_bytes", std::uint64_t{1} << 50, config.limits.upload_bytes);
    limits.read_count("sessions_per_address", 100'000, config.limits.sessions_per_address);
    limits.read_count("ended_jobs", 1'000'000, config.limits.ended_jobs);
    limits.read_count("connections", 1'000'000, config.limits.connections);
    limits.read_count("connections_per_address", 1'000'000, config.limits.connections_per_address);

    Section log = section("log");
    log.expect_keys({"level"});
    log.read_log_level("level", config.log.level);

    for (const Section* read : {&master, &dashboard, &security, &limits, &log}) {
        if (read->error() != nullptr) return unexpected(*read->error());
    }
    if (const auto differ = check_ports_differ(config, name); !differ) {
        return unexpected(differ.error());
    }
    return config;
}

Result<Config> load_config(const std::filesystem::path& path, MissingConfig missing) {
    const Result<std::string> text = read_text_file(path, config_bytes_max);
    if (text) return parse_config(*text, path.string());
    if (text.error().code == ErrorCode::NotFound && missing == MissingConfig::MeansDefaults) {
        return Config{};
    }
    return unexpected(text.error());
}

std::string endpoints_text(const Config& config) {
    nlohmann::ordered_json document;
    document["master"] = {{"ip", config.master.ip},
                          {"task_port", std::to_string(config.master.task_port)},
                          {"result_port", std::to_string(config.master.result_port)},
                          {"heartbeat_port", std::to_string(config.master.heartbeat_port)}};
    document["dashboard"] = {{"host", config.dashboard.host},
                             {"port", std::to_string(config.dashboard.port)}};
    return document.dump(2) + "\n";
}

}  // namespace netcompute
