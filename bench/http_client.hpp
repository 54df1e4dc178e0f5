#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/verb.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace netcompute::bench {

/// JSON over an HTTP connection to a master on this machine that is kept open, and made anew when
/// the master has closed it for being idle. Blocks; throws std::runtime_error for whatever is not
/// an answer with a 2xx status.
class HttpClient {
 public:
    explicit HttpClient(std::uint16_t port);

    nlohmann::json get(const std::string& target);
    nlohmann::json post(const std::string& target, const nlohmann::json& body);

 private:
    nlohmann::json exchange(boost::beast::http::verb method, const std::string& target,
                            std::string body);
    void connect();
    [[nodiscard]] bool was_closed();

    std::uint16_t port_;
    std::string host_;
    boost::asio::io_context io_;
    boost::beast::tcp_stream stream_{io_};
    boost::beast::flat_buffer buffer_;
};

}  // namespace netcompute::bench
