#include "master_finder.hpp"

#include "connection_probe.hpp"
#include "master_address.hpp"
#include "use_result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <utility>

namespace netcompute::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::chrono::seconds answer_max{10};
constexpr std::chrono::seconds pause{2};
constexpr std::size_t document_bytes_max = 64 * 1024;

Result<std::uint16_t> port_in(const nlohmann::json& ports, const char* name) {
    const auto port = ports.find(name);
    if (port == ports.end() || !port->is_number_unsigned() || *port == 0U ||
        *port > std::numeric_limits<std::uint16_t>::max()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "it does not say where it takes native workers");
    }
    return port->get<std::uint16_t>();
}

/// One attempt. PermissionDenied: a retry is pointless.
asio::awaitable<Result<MasterPorts>> ask(const MasterPages& pages) {
    const auto executor = co_await asio::this_coro::executor;
    const std::string there = host_and_port(pages.host, pages.port);
    tcp::resolver resolver{executor};
    const auto [resolve_error, addresses] =
        co_await resolver.async_resolve(pages.host, std::to_string(pages.port), use_result);
    beast::tcp_stream stream{executor};
    stream.expires_after(answer_max);
    auto error = resolve_error;
    if (!error) error = std::get<0>(co_await stream.async_connect(addresses, use_result));
    if (error) {
        co_return unexpected(ErrorCode::Unavailable,
                             why_unreachable(pages.host, pages.port, error));
    }
    http::request<http::empty_body> request{http::verb::get, "/api/v1/cluster", 11};
    request.set(http::field::host, there);
    if (!pages.token.empty()) request.set(http::field::authorization, "Bearer " + pages.token);
    std::ignore = co_await http::async_write(stream, request, use_result);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(document_bytes_max);
    const auto [read_error, count] = co_await http::async_read(stream, buffer, parser, use_result);
    if (read_error) {
        co_return unexpected(ErrorCode::Unavailable,
                             "what answers at " + there + " is no NetCompute master's page (" +
                                 read_error.message() + "): give the dashboard's address");
    }
    const auto status = parser.get().result();
    if (status == http::status::unauthorized || status == http::status::forbidden) {
        co_return unexpected(ErrorCode::PermissionDenied,
                             "the master at " + there +
                                 " refuses this worker's token; set its security.join_token in "
                                 "config.json");
    }
    auto ports = parse_master_ports(parser.get().body());
    if (status == http::status::ok && ports) co_return ports;
    co_return unexpected(ErrorCode::Unavailable,
                         "what answers at " + there + " is no NetCompute master of this version (" +
                             (ports ? "HTTP status " + std::to_string(parser.get().result_int())
                                    : ports.error().message) +
                             "): give the dashboard's address");
}

asio::awaitable<void> ask_until_answered(const MasterPages& pages, asio::io_context& context,
                                         Result<std::optional<MasterPorts>>& answer) {
    std::string told;
    for (;;) {
        const auto ports = co_await ask(pages);
        if (ports) answer = std::optional{*ports};
        if (!ports && ports.error().code == ErrorCode::PermissionDenied) {
            answer = unexpected(ports.error());
        }
        if (ports || !answer) break;
        if (std::exchange(told, ports.error().message) != ports.error().message) {
            spdlog::warn("cannot reach the master: {}; trying again until it answers",
                         ports.error().message);
        }
        asio::steady_timer timer{context, pause};
        co_await timer.async_wait(use_result);
    }
    context.stop();
}

}  // namespace

Result<MasterPorts> parse_master_ports(std::string_view document) {
    const auto json = nlohmann::json::parse(document, nullptr, /*allow_exceptions=*/false);
    const auto ports = json.is_object() ? json.value("ports", nlohmann::json{}) : nlohmann::json{};
    if (!ports.is_object()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "it does not say where it takes native workers");
    }
    const auto task = port_in(ports, "task");
    if (!task) return unexpected(task.error());
    const auto result = port_in(ports, "result");
    if (!result) return unexpected(result.error());
    const auto heartbeat = port_in(ports, "heartbeat");
    if (!heartbeat) return unexpected(heartbeat.error());
    return MasterPorts{*task, *result, *heartbeat};
}

Result<std::optional<MasterPorts>> find_master(const MasterPages& pages, int stop) {
    asio::io_context context{1};
    Result<std::optional<MasterPorts>> answer{std::optional<MasterPorts>{}};
    asio::posix::stream_descriptor stopping{context, dup(stop)};
    stopping.async_wait(asio::posix::stream_descriptor::wait_read, [&](const auto& error) {
        if (!error) context.stop();
    });
    asio::co_spawn(context, ask_until_answered(pages, context, answer), asio::detached);
    context.run();
    return answer;
}

}  // namespace netcompute::worker
