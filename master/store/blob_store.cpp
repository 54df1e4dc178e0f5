#include "store/blob_store.hpp"

#include "store/files.hpp"
#include "store/state_folder.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace netcompute::store {
namespace fs = std::filesystem;
Result<std::shared_ptr<const MappedFile>> MappedFile::open(const fs::path& path) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.get() < 0) return file_error(path, "open", errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return file_error(path, "read", errno);
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return std::shared_ptr<const MappedFile>{new MappedFile{{}}};
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED) return file_error(path, "map", errno);
    return std::shared_ptr<const MappedFile>{
        new MappedFile{{static_cast<const std::byte*>(address), size}}};
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::size_t BlobStore::ShaHash::operator()(const Sha256& sha256) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, sha256.digest.data(), sizeof hash);
    return hash;
}

Result<std::unique_ptr<BlobStore>> BlobStore::open(fs::path folder, std::uint64_t bytes_max) {
    std::error_code error;
    fs::remove_all(folder, error);
    if (auto made = make_private_folder(folder); !made) return unexpected(made.error());
    return std::unique_ptr<BlobStore>{new BlobStore{std::move(folder), bytes_max}};
}

fs::path BlobStore::path_of(const Sha256& sha256) const {
    return folder_ / to_hex(sha256);
}

Result<programs::BlobRef> BlobStore::hold(ByteSpan bytes) {
    const programs::BlobRef ref{sha256(bytes), bytes.size()};
    fs::path temporary;
    {
        const std::lock_guard lock{mutex_};
        if (const auto found = blobs_.find(ref.sha256); found != blobs_.end()) {
            ++found->second.holders;
            return ref;
        }
        if (bytes.size() > bytes_max_ - bytes_) {
            return unexpected(ErrorCode::LimitExceeded,
                              "a blob of " + std::to_string(bytes.size()) +
                                  " bytes does not fit: live jobs' " + "blobs take up " +
                                  std::to_string(bytes_) + " of the " + std::to_string(bytes_max_) +
                                  " bytes that they may; let jobs end, or cancel " +
                                  "some, and submit this one again");
        }
        bytes_ += bytes.size();
        temporary = folder_ / ("new-" + std::to_string(++last_temporary_));
    }
    if (auto added = add(ref, bytes, temporary); !added) return unexpected(added.error());
    return ref;
}

/// Written under another name and without the lock: meanwhile others read, and may add the same.
Result<void> BlobStore::add(const programs::BlobRef& ref, ByteSpan bytes,
                            const fs::path& temporary) {
    auto written = write_file(temporary, bytes, Flush::No);
    auto mapped = written ? MappedFile::open(temporary) : unexpected(written.error());
    std::error_code error;
    const std::lock_guard lock{mutex_};
    const auto found = blobs_.find(ref.sha256);
    const bool is_new = mapped && found == blobs_.end();
    if (is_new) fs::rename(temporary, path_of(ref.sha256), error);
    if (is_new && !error) {
        blobs_.emplace(ref.sha256, Blob{std::move(*mapped), 1});
        return {};
    }
    bytes_ -= bytes.size();
    std::error_code ignored;
    fs::remove(temporary, ignored);
    if (!mapped) return unexpected(mapped.error());
    if (error) return file_error(temporary, "rename", error.value());
    ++found->second.holders;
    return {};
}

void BlobStore::release(const Sha256& sha256) {
    // Unmapped, which may take a while, after the lock is given back.
    std::shared_ptr<const MappedFile> removed;
    const std::lock_guard lock{mutex_};
    const auto found = blobs_.find(sha256);
    if (--found->second.holders > 0) return;
    removed = std::move(found->second.file);
    bytes_ -= removed->bytes().size();
    blobs_.erase(found);
    std::error_code ignored;
    fs::remove(path_of(sha256), ignored);
}

bool BlobStore::hold_known(const Sha256& sha256) {
    const std::lock_guard lock{mutex_};
    const auto found = blobs_.find(sha256);
    if (found == blobs_.end()) return false;
    ++found->second.holders;
    return true;
}

std::shared_ptr<const MappedFile> BlobStore::find(const Sha256& sha256) const {
    const std::lock_guard lock{mutex_};
    const auto found = blobs_.find(sha256);
    return found == blobs_.end() ? nullptr : found->second.file;
}

std::uint64_t BlobStore::bytes() const {
    const std::lock_guard lock{mutex_};
    return bytes_;
}

BlobHolder::~BlobHolder() {
    for (const Sha256& sha256 : held_) store_.release(sha256);
}

bool BlobHolder::keep(const Sha256& sha256) {
    if (!store_.hold_known(sha256)) return false;
    const std::lock_guard lock{mutex_};
    if (!held_.insert(sha256).second) store_.release(sha256);
    return true;
}

Result<programs::BlobRef> BlobHolder::put(ByteSpan bytes) {
    auto ref = store_.hold(bytes);
    if (!ref) return ref;
    const std::lock_guard lock{mutex_};
    if (!held_.insert(ref->sha256).second) store_.release(ref->sha256);
    return ref;
}

}  // namespace netcompute::store
