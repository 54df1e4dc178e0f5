#include "raw_flush.hpp"

#include "report.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace netcompute::bench {

double flush_us(const std::filesystem::path& folder, std::size_t count) {
    using Clock = std::chrono::steady_clock;
    // As a write-ahead log does when it has been through once: pages of a file that is there.
    constexpr std::size_t page_bytes = 4096;
    constexpr std::size_t pages = 1000;
    const std::string path = (folder / "flush-XXXXXX").string();
    std::string name = path;
    const int file = ::mkstemp(name.data());
    if (file < 0) throw std::runtime_error(path + ": no file can be made");
    ::unlink(name.c_str());
    const std::array<char, page_bytes> page{};
    const auto write_page = [&](std::size_t number) {
        const auto place = static_cast<off_t>(number % pages * page_bytes);
        if (::pwrite(file, page.data(), page_bytes, place) != ssize_t{page_bytes}) {
            throw std::runtime_error(path + ": cannot be written");
        }
    };
    for (std::size_t number = 0; number < pages; ++number) write_page(number);
    ::fdatasync(file);
    std::vector<double> times;
    for (std::size_t number = 0; number < count; ++number) {
        write_page(number);
        const auto start = Clock::now();
        if (::fdatasync(file) != 0) throw std::runtime_error(path + ": cannot be flushed");
        times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
    ::close(file);
    return median_of(times);
}

}  // namespace netcompute::bench
