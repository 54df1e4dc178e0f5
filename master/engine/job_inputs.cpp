#include "engine/job_inputs.hpp"

#include "data/csv_source.hpp"
#include <netcompute/assert.hpp>

#include <openssl/evp.h>

#include <memory>

namespace netcompute::engine {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t hash_buffer_bytes = std::size_t{1} << 20;

/// The path from the root, where the file lies below it; else the whole path.
std::string shown_path(const fs::path& file, const fs::path& root) {
    const fs::path relative = file.lexically_relative(root);
    const bool is_below = !relative.empty() && *relative.begin() != "..";
    return (is_below ? relative : file).string();
}

}  // namespace

InputHashes::InputHashes(const fs::path& root) {
    std::error_code error;
    root_ = fs::weakly_canonical(root, error);
}

Result<InputHashes::Stamp> InputHashes::stamp_of(const fs::path& file) {
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status)) {
        return unexpected(ErrorCode::InvalidArgument,
                          file.string() +
                              ": is not a plain file; a job may read its input again, after a "
                              "restart of the master: save it in a file first");
    }
    // What is wrong with a folder or a missing file, its reader tells best.
    Stamp stamp;
    if (fs::is_regular_file(status)) stamp.size = fs::file_size(file, error);
    if (!error) stamp.written = fs::last_write_time(file, error);
    return stamp;
}

Result<void> InputHashes::add(std::string_view name, const fs::path& file) {
    const auto stamp = stamp_of(file);
    if (!stamp) return unexpected(stamp.error());
    const auto sha256 = sha256_of_file(file);
    if (!sha256) return unexpected(sha256.error());
    entries_.push_back({{std::string{name}, shown_path(file, root_), *sha256}, file, *stamp});
    return {};
}

Result<std::vector<JobInput>> InputHashes::finish() const {
    std::vector<JobInput> inputs;
    for (const Entry& entry : entries_) {
        const auto stamp = stamp_of(entry.file);
        if (!stamp) return unexpected(stamp.error());
        if (*stamp != entry.stamp) {
            return unexpected(ErrorCode::Unavailable,
                              "params." + entry.input.name + ": " + entry.file.string() +
                                  " changed while it was read; submit the job again once the "
                                  "file is written");
        }
        inputs.push_back(entry.input);
    }
    return inputs;
}

Result<Sha256> sha256_of_file(const fs::path& file) {
    // Read, not mapped: a file that somebody shortens meanwhile must not end the process.
    const auto source = data::open_csv_file(file);
    if (!source) return unexpected(source.error());
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free};
    NETCOMPUTE_ASSERT(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1,
                      "OpenSSL has SHA-256");
    std::vector<char> buffer(hash_buffer_bytes);
    for (;;) {
        const auto size = (*source)->read(buffer);
        if (!size) return unexpected(size.error());
        if (*size == 0) break;
        EVP_DigestUpdate(context.get(), buffer.data(), *size);
    }
    Sha256 sha256;
    EVP_DigestFinal_ex(context.get(), sha256.digest.data(), nullptr);
    return sha256;
}

std::string inputs_json(std::span<const JobInput> inputs) {
    nlohmann::json list = nlohmann::json::array();
    for (const JobInput& input : inputs) {
        list.push_back(
            {{"name", input.name}, {"path", input.path}, {"sha256", to_hex(input.sha256)}});
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace netcompute::engine
