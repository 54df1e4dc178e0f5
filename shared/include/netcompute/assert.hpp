#pragma once

/// NETCOMPUTE_ASSERT(condition, "what the reader should know"): stops the process with a message
/// when our own code broke a rule. On in release builds: a wrong answer costs more than a crash.
/// Never for bad input, which is a Result.
#define NETCOMPUTE_ASSERT(condition, message) \
    ((condition)                              \
         ? void(0)                            \
         : ::netcompute::detail::assertion_failed(#condition, message, __FILE__, __LINE__))

namespace netcompute::detail {
[[noreturn]] void assertion_failed(const char* condition, const char* message, const char* file,
                                   int line);
}  // namespace netcompute::detail
