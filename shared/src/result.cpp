#include <netcompute/result.hpp>

namespace netcompute {

std::string_view error_code_name(ErrorCode code) {
    switch (code) {
        case ErrorCode::InvalidArgument:
            return "invalid_argument";
        case ErrorCode::ShapeMismatch:
            return "shape_mismatch";
        case ErrorCode::NotFound:
            return "not_found";
        case ErrorCode::OutOfMemory:
            return "out_of_memory";
        case ErrorCode::PermissionDenied:
            return "permission_denied";
        case ErrorCode::LimitExceeded:
            return "limit_exceeded";
        case ErrorCode::ProtocolViolation:
            return "protocol_violation";
        case ErrorCode::Unavailable:
            return "unavailable";
        case ErrorCode::Internal:
            return "internal";
        case ErrorCode::Conflict:
            return "conflict";
    }
    return "internal";
}

}  // namespace netcompute
