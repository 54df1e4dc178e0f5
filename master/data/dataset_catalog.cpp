#include "data/dataset_catalog.hpp"

#include "data/atomic_file.hpp"
#include "data/data_folder.hpp"
#include "data/dataset_reader.hpp"
#include "data/file_hash.hpp"
#include "data/table_source.hpp"
#include <netcompute/json_file.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <tuple>
#include <utility>

namespace netcompute::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t known_max = 1000;
constexpr const char* known_name = "files";
/// Of what file systems write down of times, and then some.
constexpr std::int64_t settled_after_ns = 2'000'000'000;

std::int64_t wall_clock_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Names a dataset: whatever changes its bytes is part of it.
std::string name_of(const Sha256& sha256, const ReadingOptions& options) {
    return to_hex(netcompute::sha256(
        as_byte_span("dataset 2\n" + to_hex(sha256) + "\n" + options_text(options))));
}

bool is_name(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// A file's bytes, mapped: they cost memory only while they are read.
Result<std::shared_ptr<const Dataset>> map_dataset(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return unexpected(file_error(path, "open", errno));
    const SharedDescriptor file = share_descriptor(descriptor);
    struct stat status {};
    if (::fstat(*file, &status) != 0) return unexpected(file_error(path, "read", errno));
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, *file, 0);
    if (address == MAP_FAILED) return unexpected(file_error(path, "map", errno));
    const std::shared_ptr<const void> owner{
        address, [size](const void* mapped) { ::munmap(const_cast<void*>(mapped), size); }};
    return Dataset::open({static_cast<const std::byte*>(address), size}, owner);
}

/// A file that grows; what was written goes to the disk meanwhile, so that its end is not long.
class GrowingFile {
 public:
    static Result<GrowingFile> open(const fs::path& path) {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (file < 0) return unexpected(file_error(path, "write", errno));
        return GrowingFile{path, file};
    }

    Result<void> append(ByteSpan bytes) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(*file_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return unexpected(file_error(path_, "write", errno));
            bytes = bytes.subspan(static_cast<std::size_t>(written));
            size_ += written;
        }
        if (size_ - begun_ < piece_bytes) return {};
        ::sync_file_range(*file_, begun_, size_ - begun_, SYNC_FILE_RANGE_WRITE);
        begun_ = size_;
        return {};
    }
    Result<void> sync() {
        if (::fdatasync(*file_) == 0) return {};
        return unexpected(file_error(path_, "write", errno));
    }

 private:
    static constexpr off_t piece_bytes = off_t{8} << 20;

    GrowingFile(fs::path path, int file) : path_{std::move(path)}, file_{share_descriptor(file)} {}

    fs::path path_;
    SharedDescriptor file_;
    off_t size_ = 0;
    off_t begun_ = 0;
};

/// A file that goes at the end, unless it has another name by then.
class Temporary {
 public:
    explicit Temporary(fs::path path) : path_{std::move(path)} {}
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    ~Temporary() {
        std::error_code error;
        fs::remove(path_, error);
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

 private:
    fs::path path_;
};

/// Hashes what it gives: the hash of what was read, whatever happens to the file meanwhile.
class HashingSource final : public CsvSource {
 public:
    HashingSource(std::unique_ptr<CsvSource> source, FileHash& hash)
        : source_{std::move(source)}, hash_{hash} {}

    Result<std::size_t> read(std::span<char> target) override {
        const auto taken = source_->read(target);
        if (taken) hash_.add(std::as_bytes(target.first(*taken)));
        return taken;
    }

 private:
    std::unique_ptr<CsvSource> source_;
    FileHash& hash_;
};

}  // namespace

Result<std::unique_ptr<DatasetCatalog>> DatasetCatalog::open(fs::path folder,
                                                             std::uint64_t bytes_max) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) {
        return unexpected(ErrorCode::Unavailable,
                          folder.string() + ": cannot be made: " + error.message());
    }
    std::unique_ptr<DatasetCatalog> catalog{new DatasetCatalog{std::move(folder), bytes_max}};
    catalog->take_up();
    return catalog;
}

/// What cannot be read is left out: it is found out again.
void DatasetCatalog::take_up() {
    std::vector<std::pair<fs::file_time_type, std::string>> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{folder_, error}) {
        const std::string name = entry.path().filename().string();
        if (name == known_name) continue;
        if (is_name(name))
            found.emplace_back(entry.last_write_time(error), name);
        else
            fs::remove(entry.path(), error);
    }
    std::ranges::sort(found);
    for (const auto& [time, name] : found) {
        const std::uint64_t bytes = fs::file_size(path_of(name), error);
        kept_[name] = {bytes, ++uses_, {}};
        bytes_ += bytes;
    }
    std::ifstream lines{path_of(known_name)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line};
        Known known;
        FileStamp& stamp = known.stamp;
        std::string hex;
        std::string age;
        words >> stamp.identity.device >> stamp.identity.number >> stamp.size >> stamp.written_ns >>
            stamp.changed_ns >> hex >> age;
        const auto sha256 = sha256_from_hex(hex);
        if (!words || !sha256) continue;
        known.sha256 = *sha256;
        known.is_settled = age == "settled";
        known_.push_back(known);
    }
    make_room();
}

/// From one asking to the next: whoever asks for the same file waits, also where this one fails.
class DatasetCatalog::Turn {
 public:
    Turn(DatasetCatalog& catalog, const FileStamp& stamp) : catalog_{catalog}, stamp_{stamp} {
        std::unique_lock lock{catalog_.mutex_};
        catalog_.read_.wait(lock, [&] { return !catalog_.being_read_.contains(stamp_); });
        catalog_.being_read_.insert(stamp_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        {
            const std::lock_guard lock{catalog_.mutex_};
            catalog_.being_read_.erase(stamp_);
        }
        catalog_.read_.notify_all();
    }

 private:
    DatasetCatalog& catalog_;
    FileStamp stamp_;
};

Result<Table> DatasetCatalog::table(const InputFile& file, const ReadingOptions& options,
                                    const HeaderCheck& check) {
    const Turn turn{*this, file.stamp()};
    auto dataset = get(file, options, check);
    if (!dataset) return unexpected(dataset.error());
    return Table{file.name(), std::move(*dataset)};
}

Result<std::shared_ptr<const Dataset>> DatasetCatalog::get(const InputFile& file,
                                                           const ReadingOptions& options,
                                                           const HeaderCheck& check) {
    std::optional<Sha256> sha256;
    bool is_settled = false;
    {
        const std::lock_guard lock{mutex_};
        if (const Known* const found = known(file.stamp())) {
            sha256 = found->sha256;
            is_settled = found->is_settled;
        }
    }
    if (sha256 && !is_settled) {
        const auto hashed = hash(file);
        if (!hashed) return unexpected(hashed.error());
        sha256 = *hashed;
    }
    const auto kept = sha256 ? find(name_of(*sha256, options)) : nullptr;
    if (kept == nullptr) return read(file, options, check);
    const auto names = column_names(*kept);
    if (auto good = check(names); !good) return unexpected(good.error());
    return kept;
}

std::uint64_t DatasetCatalog::since() const {
    const std::lock_guard lock{mutex_};
    return orders_;
}

std::uint64_t DatasetCatalog::bytes() const {
    const std::lock_guard lock{mutex_};
    return bytes_;
}

std::uint64_t DatasetCatalog::tables_read() const {
    const std::lock_guard lock{mutex_};
    return tables_read_;
}

Result<Sha256> DatasetCatalog::sha256(const InputFile& file, std::uint64_t since) {
    {
        const std::lock_guard lock{mutex_};
        const Known* const found = known(file.stamp());
        if (found != nullptr && (found->is_settled || found->order > since)) return found->sha256;
    }
    return hash(file);
}

Result<Sha256> DatasetCatalog::hash(const InputFile& file) {
    const std::int64_t now = wall_clock_ns();
    auto hashed = file.sha256();
    if (hashed) know(file.stamp(), *hashed, now);
    return hashed;
}

const DatasetCatalog::Known* DatasetCatalog::known(const FileStamp& stamp) const {
    const auto found = std::ranges::find(known_, stamp, &Known::stamp);
    return found == known_.end() ? nullptr : &*found;
}

/// A file that was written just before it was read may be written again without a trace.
void DatasetCatalog::know(const FileStamp& stamp, const Sha256& sha256, std::int64_t read_from_ns) {
    const std::lock_guard lock{mutex_};
    const bool is_settled =
        read_from_ns - std::max(stamp.written_ns, stamp.changed_ns) > settled_after_ns;
    std::erase_if(known_, [&](const Known& each) { return each.stamp.identity == stamp.identity; });
    if (known_.size() == known_max) known_.pop_front();
    known_.push_back({stamp, sha256, ++orders_, is_settled});
    write_known();
}

/// What cannot be written is found out again by the next master.
void DatasetCatalog::write_known() const {
    std::string text;
    for (const Known& known : known_) {
        const FileStamp& stamp = known.stamp;
        text += std::to_string(stamp.identity.device) + " " +
                std::to_string(stamp.identity.number) + " " + std::to_string(stamp.size) + " " +
                std::to_string(stamp.written_ns) + " " + std::to_string(stamp.changed_ns) + " " +
                to_hex(known.sha256) + (known.is_settled ? " settled\n" : " new\n");
    }
    std::ignore = write_file_atomically(path_of(known_name), as_byte_span(text), 0600);
}

/// One that is damaged is removed: it is read again.
std::shared_ptr<const Dataset> DatasetCatalog::find(const std::string& name) {
    const std::lock_guard lock{mutex_};
    const auto found = kept_.find(name);
    if (found == kept_.end()) return nullptr;
    Kept& kept = found->second;
    kept.used = ++uses_;
    std::error_code error;
    fs::last_write_time(path_of(name), fs::file_time_type::clock::now(), error);
    if (auto dataset = kept.dataset.lock()) return dataset;
    auto dataset = map_dataset(path_of(name));
    if (dataset) {
        kept.dataset = *dataset;
        return std::move(*dataset);
    }
    fs::remove(path_of(name), error);
    bytes_ -= kept.bytes;
    kept_.erase(found);
    return nullptr;
}

fs::path DatasetCatalog::temporary_path() {
    const std::lock_guard lock{mutex_};
    return folder_ / ("reading-" + std::to_string(++orders_));
}

Result<std::shared_ptr<const Dataset>> DatasetCatalog::read(const InputFile& file,
                                                            const ReadingOptions& options,
                                                            const HeaderCheck& check) {
    const std::int64_t now = wall_clock_ns();
    FileHash hash;
    auto opened = open_table(std::make_unique<HashingSource>(csv_file_source(file), hash),
                             file.name(), options);
    if (!opened) return unexpected(opened.error());
    if (auto good = check(opened->reader.header()); !good) return unexpected(good.error());

    const Temporary temporary{temporary_path()};
    auto target = GrowingFile::open(temporary.path());
    if (!target) return unexpected(target.error());
    const auto append = [&](ByteSpan bytes) { return target->append(bytes); };
    if (auto done = read_dataset(*opened, options, append); !done) return unexpected(done.error());
    if (auto done = target->sync(); !done) return unexpected(done.error());
    if (!file.is_unchanged()) {
        return unexpected(ErrorCode::Unavailable, file.name() +
                                                      ": changed while it was read; submit the "
                                                      "job again once the file is written");
    }
    const Sha256 sha256 = hash.finish();
    know(file.stamp(), sha256, now);
    return keep(name_of(sha256, options), temporary.path());
}

Result<std::shared_ptr<const Dataset>> DatasetCatalog::keep(const std::string& name,
                                                            const fs::path& temporary) {
    const std::lock_guard lock{mutex_};
    std::error_code error;
    fs::rename(temporary, path_of(name), error);
    if (error) {
        return unexpected(ErrorCode::Unavailable,
                          temporary.string() + ": cannot be renamed: " + error.message());
    }
    auto dataset = map_dataset(path_of(name));
    if (!dataset) return dataset;
    Kept& kept = kept_[name];
    bytes_ += (*dataset)->bytes() - kept.bytes;
    ++tables_read_;
    kept = {(*dataset)->bytes(), ++uses_, *dataset};
    make_room();
    return dataset;
}

/// What is in use stays readable: only its name goes.
void DatasetCatalog::make_room() {
    while (bytes_ > bytes_max_) {
        const auto oldest = std::ranges::min_element(
            kept_, {}, [](const auto& entry) { return entry.second.used; });
        std::error_code error;
        fs::remove(path_of(oldest->first), error);
        bytes_ -= oldest->second.bytes;
        kept_.erase(oldest);
    }
}

}  // namespace netcompute::data
