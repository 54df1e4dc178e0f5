#include "api/file_calls.hpp"

#include "api/answers.hpp"
#include "data/input_file.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

// g++ 12 may free a temporary twice that lives across a co_await: what a coroutine is given here
// has a name at its caller.

namespace netcompute::api {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using net::HttpResponse;
namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10;
constexpr long fetching_max = 16;  ///< As a shared pointer counts.

/// A call that waits for the disk, made on another thread. Optional only because Asio needs a
/// default-constructed one for exceptions.
template <typename T>
asio::awaitable<std::optional<Result<T>>> call(std::function<Result<T>()> work) {
    co_return work();
}

/// Its result; what it threw is a lack of memory.
template <typename T>
asio::awaitable<Result<T>> on_disk(asio::thread_pool& disk, std::function<Result<T>()> work) {
    auto calling =
        asio::co_spawn(disk, call<T>(std::move(work)), asio::as_tuple(asio::use_awaitable));
    auto [failure, result] = co_await std::move(calling);
    if (failure || !result) {
        co_return unexpected(ErrorCode::OutOfMemory, "this PC lacks the memory for that");
    }
    co_return std::move(*result);
}

/// Takes a whole number off the front of a text.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool take(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

/// "bytes 100-199/1000" into offset and total (RFC 9110, 14.4; 14.5 leaves it to the server what
/// PUT does with it). Errors: InvalidArgument, also for a range that the body does not fill.
Result<void> read_range(std::string_view range, const std::optional<std::uint64_t>& body_bytes,
                        data::SentFile& file) {
    std::string_view rest = range;
    const bool has_unit = take(rest, "bytes ");
    const auto first = has_unit ? take_number(rest) : std::nullopt;
    const auto last = first && take(rest, "-") ? take_number(rest) : std::nullopt;
    const auto total = last && take(rest, "/") ? take_number(rest) : std::nullopt;
    if (!total || !rest.empty() || *first > *last || *last >= *total) {
        return unexpected(ErrorCode::InvalidArgument,
                          "Content-Range: \"" + net::shown(range) +
                              "\" is not of the form \"bytes FIRST-LAST/TOTAL\"");
    }
    if (body_bytes && *body_bytes != *last - *first + 1) {
        return unexpected(ErrorCode::InvalidArgument,
                          "Content-Range: \"" + net::shown(range) + "\" is not of the " +
                              std::to_string(*body_bytes) + " bytes that come");
    }
    file.offset = *first;
    file.total = *total;
    return {};
}

Result<data::SentFile> sent_file(const RouteMatch& match, const net::HttpRequest& request,
                                 const Target& target,
                                 const std::optional<std::uint64_t>& body_bytes) {
    data::SentFile file;
    const auto name = match.name == RouteName::PostFile ? query_value(target.query, "name")
                                                        : decode_segment(match.argument);
    if (!name) {
        return unexpected(
            ErrorCode::InvalidArgument,
            match.name == RouteName::PostFile
                ? "the file needs a name: POST /api/v1/files?name=NAME"
                : "\"" + net::shown(match.argument) +
                      "\" is not well encoded; write what is no letter or digit as %XX");
    }
    file.name = *name;
    file.total = body_bytes;
    if (const auto text = query_value(target.query, "sha256")) {
        file.sha256 = sha256_from_hex(*text);
        if (!file.sha256) {
            return unexpected(ErrorCode::InvalidArgument,
                              "sha256: \"" + net::shown(*text) + "\" is not 64 hexadecimal digits");
        }
    }
    if (const auto text = query_value(target.query, "replace")) {
        if (*text != "true" && *text != "false") {
            return unexpected(ErrorCode::InvalidArgument,
                              "replace: \"" + net::shown(*text) + "\" is neither true nor false");
        }
        file.may_replace = *text == "true";
    }
    const std::string range{request[http::field::content_range]};
    if (!range.empty()) {
        if (auto read = read_range(range, body_bytes, file); !read) {
            return unexpected(read.error());
        }
    }
    return file;
}

nlohmann::json upload_document(const data::Upload& upload) {
    const std::string path = upload.path.shown();
    nlohmann::json document{{"name", path.substr(path.rfind('/') + 1)},
                            {"path", path},
                            {"bytes", upload.bytes},
                            {"complete", upload.is_complete}};
    if (upload.sha256) document["sha256"] = to_hex(*upload.sha256);
    return document;
}

/// A file's bytes, a piece at a time.
class FileSource final : public net::BodySource {
 public:
    FileSource(data::InputFile file, asio::thread_pool& disk, std::shared_ptr<int> counted)
        : file_{std::move(file)}, disk_{disk}, counted_{std::move(counted)} {}

    [[nodiscard]] std::uint64_t size() const override { return file_.size(); }
    asio::awaitable<Result<Bytes>> next() override {
        std::function<Result<Bytes>()> work = [this] { return read(); };
        auto reading = on_disk<Bytes>(disk_, std::move(work));
        auto piece = co_await std::move(reading);
        if (piece) offset_ += piece->size();
        co_return piece;
    }

 private:
    [[nodiscard]] Result<Bytes> read() const {
        const auto size = std::min<std::uint64_t>(piece_bytes, file_.size() - offset_);
        Bytes piece(static_cast<std::size_t>(size));
        const std::span<char> into{reinterpret_cast<char*>(piece.data()), piece.size()};
        const auto count = file_.read_at(offset_, into);
        if (!count) return unexpected(count.error());
        piece.resize(*count);
        return piece;
    }

    data::InputFile file_;
    asio::thread_pool& disk_;
    std::shared_ptr<int> counted_;
    std::uint64_t offset_ = 0;
};

Result<data::InputFile> open_output(const std::filesystem::path& root, const JobFile& file) {
    const auto path = data::parse_data_path(root, file.path);
    if (!path) return unexpected(path.error());
    auto opened = data::InputFile::open_below(root, *path);
    if (!opened) return opened;
    const auto held = opened->sha256();
    if (!held) return unexpected(held.error());
    if (*held == file.sha256) return opened;
    return unexpected(ErrorCode::Conflict,
                      file.path +
                          ": holds other bytes than the job wrote: another job or a person "
                          "has written it since; run the job again with another output");
}

}  // namespace

asio::awaitable<HttpResponse> FileCalls::receive(RouteMatch match, net::HttpRequest request,
                                                 Target target, net::BodyReader& body) {
    using Receiving = std::shared_ptr<data::Uploads::Receiving>;
    const auto file = sent_file(match, request, target, body.size());
    if (!file) co_return error_response(file.error());
    std::function<Result<Receiving>()> begin = [this, &file]() -> Result<Receiving> {
        auto begun = uploads_.begin(*file);
        if (!begun) return unexpected(begun.error());
        return Receiving{std::move(*begun)};
    };
    auto beginning = on_disk<Receiving>(disk_, std::move(begin));
    const Result<Receiving> receiving = co_await std::move(beginning);
    if (!receiving) co_return error_response(receiving.error());
    Bytes piece(piece_bytes);
    for (;;) {
        auto reading = body.read(piece);
        const Result<std::size_t> count = co_await std::move(reading);
        // What has come is kept, so that the rest can follow.
        if (!count) co_return error_response(count.error());
        if (*count == 0) break;
        std::function<Result<bool>()> append = [&]() -> Result<bool> {
            const auto appended = (*receiving)->append(ByteSpan{piece}.first(*count));
            if (!appended) return unexpected(appended.error());
            return true;
        };
        auto appending = on_disk<bool>(disk_, std::move(append));
        const Result<bool> appended = co_await std::move(appending);
        if (!appended) co_return error_response(appended.error());
    }
    std::function<Result<data::Upload>()> finish = [&] { return (*receiving)->finish(); };
    auto finishing = on_disk<data::Upload>(disk_, std::move(finish));
    const Result<data::Upload> upload = co_await std::move(finishing);
    if (!upload) co_return error_response(upload.error());
    co_return json_response(upload_document(*upload),
                            upload->is_complete ? http::status::created : http::status::accepted);
}

asio::awaitable<HttpResponse> FileCalls::answer(RouteMatch match) {
    const auto name = decode_segment(match.argument).value_or("");
    std::function<Result<nlohmann::json>()> work = [&]() -> Result<nlohmann::json> {
        if (match.name == RouteName::EraseFile) {
            auto erased = uploads_.erase(name);
            if (!erased) return unexpected(erased.error());
            return nlohmann::json{{"name", name}, {"erased", true}};
        }
        if (match.name == RouteName::File) {
            const auto upload = uploads_.find(name);
            if (!upload) return unexpected(upload.error());
            return upload_document(*upload);
        }
        const auto uploads = uploads_.list();
        if (!uploads) return unexpected(uploads.error());
        nlohmann::json list = nlohmann::json::array();
        for (const data::Upload& each : *uploads) list.push_back(upload_document(each));
        return list;
    };
    auto working = on_disk<nlohmann::json>(disk_, std::move(work));
    const Result<nlohmann::json> document = co_await std::move(working);
    co_return document ? json_response(*document) : error_response(document.error());
}

asio::awaitable<HttpResponse> FileCalls::fetch(JobFile file, std::string if_none_match) {
    HttpResponse response;
    response.etag = '"' + to_hex(file.sha256) + '"';
    response.content_type = "application/octet-stream";
    response.cache_control = "no-cache";
    if (if_none_match == response.etag) {
        response.status = http::status::not_modified;
        co_return response;
    }
    if (fetching_.use_count() > fetching_max) {
        co_return net::http_busy(http::status::too_many_requests,
                                 "as many files are being fetched as this master gives out at a "
                                 "time; ask again in a moment",
                                 retry_seconds);
    }
    const std::shared_ptr<int> counted = fetching_;
    std::function<Result<data::InputFile>()> open = [&] { return open_output(root_, file); };
    auto opening = on_disk<data::InputFile>(disk_, std::move(open));
    Result<data::InputFile> opened = co_await std::move(opening);
    if (!opened) co_return error_response(opened.error());
    const std::string name = std::filesystem::path{file.path}.filename().string();
    const bool is_plain = std::ranges::all_of(
        name, [](char letter) { return letter >= ' ' && letter <= '~' && letter != '"'; });
    response.headers.emplace_back("Content-Disposition",
                                  is_plain ? "attachment; filename=\"" + name + '"' : "attachment");
    response.source = std::make_shared<FileSource>(std::move(*opened), disk_, counted);
    co_return response;
}

nlohmann::json job_files_document(const std::vector<JobFile>& files) {
    nlohmann::json list = nlohmann::json::array();
    for (const JobFile& file : files) {
        list.push_back({{"name", file.name}, {"path", file.path}, {"sha256", to_hex(file.sha256)}});
    }
    return list;
}

}  // namespace netcompute::api
