#pragma once

#include "api/backend.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "data/uploads.hpp"
#include "net/http/http_message.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>

namespace netcompute::api {

/// The calls that bring files to the master and fetch those that jobs wrote. They read and write on
/// threads of their own, piece by piece, so neither the engine's thread nor memory feels a large
/// file.
class FileCalls {
 public:
    /// `root` holds Data/. The uploads outlive it.
    FileCalls(std::filesystem::path root, data::Uploads& uploads)
        : root_{std::move(root)}, uploads_{uploads} {}

    /// SendFile or PostFile.
    boost::asio::awaitable<net::HttpResponse> receive(RouteMatch match, net::HttpRequest request,
                                                      Target target, net::BodyReader& body);
    /// File, Files or EraseFile.
    boost::asio::awaitable<net::HttpResponse> answer(RouteMatch match);
    /// JobFile: the file itself, unless the peer says that it has it. Its bytes are read once
    /// before the first is sent: others than those that the job wrote are refused.
    boost::asio::awaitable<net::HttpResponse> fetch(JobFile file, std::string if_none_match);

 private:
    std::filesystem::path root_;
    data::Uploads& uploads_;
    std::shared_ptr<int> fetching_ = std::make_shared<int>(0);  ///< Each holds one of these.
    boost::asio::thread_pool disk_{2};  ///< Last: it ends before what its work needs.
};

/// [{"name", "path", "sha256"}, …].
[[nodiscard]] nlohmann::json job_files_document(const std::vector<JobFile>& files);

}  // namespace netcompute::api
