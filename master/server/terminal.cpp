#include "server/terminal.hpp"

#include <unistd.h>

namespace netcompute::server {

Terminal::Terminal() {
    for (int stream = 0; stream < 3; ++stream) {
        was_terminal_.at(static_cast<std::size_t>(stream)) = isatty(stream) == 1;
    }
}

bool Terminal::has_closed() const {
    for (int stream = 0; stream < 3; ++stream) {
        if (was_terminal_.at(static_cast<std::size_t>(stream)) && isatty(stream) != 1) return true;
    }
    return false;
}

}  // namespace netcompute::server
