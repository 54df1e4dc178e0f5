#include "data/compression.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace netcompute::data {
namespace {

constexpr std::size_t compressed_buffer_bytes = std::size_t{1} << 17;

/// Takes compressed bytes in pieces.
class CompressedInput {
 public:
    explicit CompressedInput(std::unique_ptr<CsvSource> source)
        : source_{std::move(source)}, buffer_(compressed_buffer_bytes) {}

    /// What was not taken yet; reads where that is nothing. Empty at the end.
    Result<std::span<const char>> bytes() {
        if (rest_.empty() && !has_ended_) {
            const auto taken = source_->read(buffer_);
            if (!taken) return unexpected(taken.error());
            has_ended_ = *taken == 0;
            rest_ = std::span{buffer_}.first(*taken);
        }
        return rest_;
    }
    void take(std::size_t count) { rest_ = rest_.subspan(count); }

 private:
    std::unique_ptr<CsvSource> source_;
    std::vector<char> buffer_;
    std::span<const char> rest_;
    bool has_ended_ = false;
};

Unexpected damaged(const std::string& name, std::string_view kind, std::string_view what) {
    return unexpected(ErrorCode::InvalidArgument, name + ": its " + std::string{kind} + " bytes " +
                                                      std::string{what} +
                                                      "; copy or download the file again");
}

constexpr std::string_view ends_early = "end too early";
constexpr std::string_view are_damaged = "are damaged";

/// RFC 1952: one member or more.
class GzipSource final : public CsvSource {
 public:
    GzipSource(std::unique_ptr<CsvSource> source, std::string name)
        : input_{std::move(source)}, name_{std::move(name)} {
        constexpr int gzip_only = 16 + MAX_WBITS;
        is_open_ = inflateInit2(&stream_, gzip_only) == Z_OK;
    }
    ~GzipSource() override {
        if (is_open_) inflateEnd(&stream_);
    }

    Result<std::size_t> read(std::span<char> target) override {
        if (!is_open_) {
            return unexpected(ErrorCode::Unavailable, name_ + ": no memory to unpack it");
        }
        for (;;) {
            const auto bytes = input_.bytes();
            if (!bytes) return unexpected(bytes.error());
            if (bytes->empty()) {
                if (is_between_members_) return std::size_t{0};
                return damaged(name_, "gzip", ends_early);
            }
            if (is_between_members_ && !is_first_) inflateReset(&stream_);
            is_between_members_ = false;
            is_first_ = false;
            // zlib takes its input as bytes that it could write to, and does not.
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes->data()));  // NOLINT
            stream_.avail_in = static_cast<uInt>(bytes->size());
            stream_.next_out = reinterpret_cast<Bytef*>(target.data());
            stream_.avail_out = static_cast<uInt>(
                std::min<std::size_t>(target.size(), compressed_buffer_bytes * 8));
            const uInt room = stream_.avail_out;
            const int done = inflate(&stream_, Z_NO_FLUSH);
            input_.take(bytes->size() - stream_.avail_in);
            if (done == Z_STREAM_END) is_between_members_ = true;
            if (done != Z_STREAM_END && done != Z_OK && done != Z_BUF_ERROR) {
                return damaged(name_, "gzip", are_damaged);
            }
            if (stream_.avail_out < room) return std::size_t{room - stream_.avail_out};
        }
    }

 private:
    CompressedInput input_;
    std::string name_;
    z_stream stream_{};
    bool is_open_ = false;
    bool is_between_members_ = false;
    bool is_first_ = true;
};

/// RFC 8878: one frame or more.
class ZstandardSource final : public CsvSource {
 public:
    ZstandardSource(std::unique_ptr<CsvSource> source, std::string name)
        : input_{std::move(source)}, name_{std::move(name)}, stream_{ZSTD_createDStream()} {}

    Result<std::size_t> read(std::span<char> target) override {
        if (stream_ == nullptr) {
            return unexpected(ErrorCode::Unavailable, name_ + ": no memory to unpack it");
        }
        for (;;) {
            const auto bytes = input_.bytes();
            if (!bytes) return unexpected(bytes.error());
            ZSTD_inBuffer in{bytes->data(), bytes->size(), 0};
            ZSTD_outBuffer out{target.data(), target.size(), 0};
            if (bytes->empty() && is_at_frame_end_) return std::size_t{0};
            const std::size_t left = ZSTD_decompressStream(stream_.get(), &out, &in);
            if (ZSTD_isError(left) != 0) return damaged(name_, "zstd", are_damaged);
            is_at_frame_end_ = left == 0;
            input_.take(in.pos);
            if (out.pos > 0) return out.pos;
            if (bytes->empty() && !is_at_frame_end_) return damaged(name_, "zstd", ends_early);
        }
    }

 private:
    struct Free {
        void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
    };
    CompressedInput input_;
    std::string name_;
    std::unique_ptr<ZSTD_DStream, Free> stream_;
    bool is_at_frame_end_ = false;
};

struct OtherFile {
    std::string_view start;
    std::string_view what;
    std::string_view instead;
};
using namespace std::string_view_literals;
constexpr std::array other_files{
    OtherFile{"PK\x03\x04"sv, "a ZIP archive or a workbook (xlsx, ods)",
              "save the sheet as CSV, or unpack the archive"},
    OtherFile{"\xD0\xCF\x11\xE0"sv, "an Excel workbook (xls)", "save the sheet as CSV"},
    OtherFile{"PAR1"sv, "a Parquet file",
              "write it as CSV, with to_csv() of pandas or another way"},
    OtherFile{"ARRO"sv, "a Feather file", "write it as CSV, with to_csv() of pandas"},
    OtherFile{"SQLi"sv, "a SQLite database", "export the table as CSV"},
    OtherFile{"%PDF"sv, "a PDF document", "save the table as CSV"},
    OtherFile{"BZh"sv, "a bzip2 archive", "unpack it, or compress it with gzip or zstd"},
    OtherFile{"\xFD"
              "7zX"sv,
              "an xz archive", "unpack it, or compress it with gzip or zstd"},
    OtherFile{"7z\xBC\xAF"sv, "a 7z archive", "unpack it, or compress it with gzip or zstd"}};

}  // namespace

Result<Compression> detect_compression(std::string_view first_bytes, std::string_view name) {
    if (first_bytes.starts_with("\x1F\x8B")) return Compression::Gzip;
    if (first_bytes.starts_with("\x28\xB5\x2F\xFD")) return Compression::Zstandard;
    for (const OtherFile& other : other_files) {
        if (!first_bytes.starts_with(other.start)) continue;
        return unexpected(ErrorCode::InvalidArgument, std::string{name} + ": is " +
                                                          std::string{other.what} + "; " +
                                                          std::string{other.instead});
    }
    return Compression::None;
}

std::unique_ptr<CsvSource> decompress(std::unique_ptr<CsvSource> source, Compression compression,
                                      std::string name) {
    switch (compression) {
        case Compression::Gzip:
            return std::make_unique<GzipSource>(std::move(source), std::move(name));
        case Compression::Zstandard:
            return std::make_unique<ZstandardSource>(std::move(source), std::move(name));
        case Compression::None:
            break;
    }
    return source;
}

std::string_view compression_name(Compression compression) {
    switch (compression) {
        case Compression::Gzip:
            return "gzip";
        case Compression::Zstandard:
            return "zstd";
        case Compression::None:
            break;
    }
    return "";
}

}  // namespace netcompute::data
