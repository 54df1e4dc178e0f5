#include <netcompute/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace netcompute::detail {

void assertion_failed(const char* condition, const char* message, const char* file, int line) {
    std::fprintf(stderr, "netcompute: our own mistake at %s:%d: %s (%s)\n", file, line, message,
                 condition);
    std::fflush(stderr);
    std::abort();
}

}  // namespace netcompute::detail
