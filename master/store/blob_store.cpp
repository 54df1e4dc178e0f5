#include "store/blob_store.hpp"

#include "store/files.hpp"

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

Result<std::unique_ptr<BlobStore>> BlobStore::open(fs::path folder) {
    std::error_code error;
    fs::remove_all(folder, error);
    fs::create_directories(folder, error);
    if (error) return file_error(folder, "make this folder", error.value());
    return std::unique_ptr<BlobStore>{new BlobStore{std::move(folder)}};
}

Result<programs::BlobRef> BlobStore::put(ByteSpan bytes) {
    const programs::BlobRef ref{sha256(bytes), bytes.size()};
    const std::lock_guard lock{mutex_};
    if (blobs_.contains(ref.sha256)) return ref;
    const fs::path path = folder_ / to_hex(ref.sha256);
    if (auto written = write_file(path, bytes, Flush::No); !written) {
        return unexpected(written.error());
    }
    auto mapped = MappedFile::open(path);
    if (!mapped) return unexpected(mapped.error());
    blobs_.emplace(ref.sha256, std::move(*mapped));
    return ref;
}

std::shared_ptr<const MappedFile> BlobStore::find(const Sha256& sha256) const {
    const std::lock_guard lock{mutex_};
    const auto found = blobs_.find(sha256);
    return found == blobs_.end() ? nullptr : found->second;
}

}  // namespace netcompute::store
