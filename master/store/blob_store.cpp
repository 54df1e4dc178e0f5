#include "store/blob_store.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace netcompute::store {
namespace fs = std::filesystem;
namespace {

Unexpected system_error(const fs::path& path, std::string_view what, int error_number) {
    return unexpected(
        error_number == ENOENT ? ErrorCode::NotFound : ErrorCode::Unavailable,
        path.string() + ": cannot " + std::string{what} + ": " + std::strerror(error_number));
}

/// Closes a descriptor at the end of its scope.
class Descriptor {
 public:
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }

 private:
    int number_;
};

Result<void> write_whole(const fs::path& path, ByteSpan bytes) {
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (file.get() < 0) return system_error(path, "write", errno);
    while (!bytes.empty()) {
        const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_error(path, "write", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const fs::path& path) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.get() < 0) return system_error(path, "open", errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return system_error(path, "read", errno);
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return std::shared_ptr<const MappedFile>{new MappedFile{{}}};
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED) return system_error(path, "map", errno);
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
    if (error) return system_error(folder, "make this folder", error.value());
    return std::unique_ptr<BlobStore>{new BlobStore{std::move(folder)}};
}

Result<programs::BlobRef> BlobStore::put(ByteSpan bytes) {
    const programs::BlobRef ref{sha256(bytes), bytes.size()};
    const std::lock_guard lock{mutex_};
    if (blobs_.contains(ref.sha256)) return ref;
    const fs::path path = folder_ / to_hex(ref.sha256);
    if (auto written = write_whole(path, bytes); !written) {
        std::error_code ignored;
        fs::remove(path, ignored);
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
