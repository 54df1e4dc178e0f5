#pragma once

#include <netcompute/assert.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace netcompute {

/// What kind of thing went wrong; the message says which thing, its value and the next step.
enum class ErrorCode {
    InvalidArgument,    ///< A value that no caller may give.
    ShapeMismatch,      ///< Sizes that should agree do not.
    NotFound,           ///< A file, column, job, blob or kernel that is not there.
    OutOfMemory,        ///< An allocation that this worker cannot make.
    PermissionDenied,   ///< A token, path or origin that is refused.
    LimitExceeded,      ///< Larger or more than a stated limit.
    ProtocolViolation,  ///< A peer that breaks the protocol.
    Unavailable,        ///< Cannot be done now: a full disk, a peer that is gone.
    Internal,           ///< Our own mistake, reported instead of a crash.
    Conflict,           ///< Not in a state in which that can be done: a job that is over.
};

/// The name on the wire and in the API: "invalid_argument", "not_found", …
[[nodiscard]] std::string_view error_code_name(ErrorCode code);

struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message;
    friend bool operator==(const Error&, const Error&) = default;
};

/// Wraps an error so that it converts to any Result, as std::unexpected does.
struct Unexpected {
    Error error;
};

[[nodiscard]] inline Unexpected unexpected(Error error) {
    return {std::move(error)};
}
[[nodiscard]] inline Unexpected unexpected(ErrorCode code, std::string message) {
    return {Error{code, std::move(message)}};
}

/// A value or an Error, with the names of std::expected (which g++ 12 does not have yet).
/// Reading the side that is not there is our own bug and stops the process.
template <typename T>
class [[nodiscard]] Result {
 public:
    using value_type = T;

    Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    Result(Unexpected unexpected) : state_{std::in_place_index<1>, std::move(unexpected.error)} {}

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }
    [[nodiscard]] explicit operator bool() const { return has_value(); }

    [[nodiscard]] T& value() & {
        expect_value();
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const T& value() const& {
        expect_value();
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && {
        expect_value();
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] T& operator*() & { return value(); }
    [[nodiscard]] const T& operator*() const& { return value(); }
    [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() { return &value(); }
    [[nodiscard]] const T* operator->() const { return &value(); }

    [[nodiscard]] const Error& error() const {
        NETCOMPUTE_ASSERT(!has_value(), "error() of a Result that holds a value");
        return *std::get_if<1>(&state_);
    }

 private:
    void expect_value() const {
        NETCOMPUTE_ASSERT(has_value(), "value() of a Result that holds an error");
    }

    std::variant<T, Error> state_;
};

/// Success without a value: Result<void>{} is success.
template <>
class [[nodiscard]] Result<void> {
 public:
    using value_type = void;

    Result() = default;
    Result(Unexpected unexpected) : error_{std::move(unexpected.error)}, failed_{true} {}

    [[nodiscard]] bool has_value() const { return !failed_; }
    [[nodiscard]] explicit operator bool() const { return has_value(); }
    [[nodiscard]] const Error& error() const {
        NETCOMPUTE_ASSERT(failed_, "error() of a Result that succeeded");
        return error_;
    }

 private:
    Error error_;
    bool failed_ = false;
};

}  // namespace netcompute
