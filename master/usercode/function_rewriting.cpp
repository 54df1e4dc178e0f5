/// What the gate writes in place of instructions, or around them.

#include "usercode/function_gate.hpp"
#include "usercode/opcodes.hpp"

namespace netcompute::usercode {
namespace {

constexpr std::size_t price_bytes = 5;  // A price is written at its longest, and filled in later.

/// The one form of NaN, little-endian, as often as it fits into `size` bytes.
void append_nan(Bytes& to, bool is_f64, std::size_t size) {
    const std::size_t width = is_f64 ? 8 : 4;
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t place = i % width;
        const unsigned top = is_f64 ? 0xf8 : 0xc0;
        append(to, {place == width - 1 ? 0x7fU : place == width - 2 ? top : 0U});
    }
}

}  // namespace

std::uint32_t FunctionGate::scratch(Type type, std::size_t number) {
    std::size_t place = 0;
    for (;; ++place) {
        if (place == scratch_.size()) scratch_ += type;
        if (scratch_[place] == type && number-- == 0) break;
    }
    return static_cast<std::uint32_t>(locals_.size() + place);
}

/// Where memory does not grow although it may, this PC has no more: the task ends.
void FunctionGate::write_growth() {
    const std::uint32_t wanted = scratch('i');
    const std::uint32_t before = scratch('i', 1);
    const auto get = [&](std::uint32_t local) {
        append(code_, {local_get});
        append_unsigned(code_, local);
    };
    append(code_, {local_tee});
    append_unsigned(code_, wanted);
    keep();
    append(code_, {local_tee});
    append_unsigned(code_, before);
    append(code_, {0x41, 0x7f, 0x46, 0x04, 0x40});  // i32.const -1, i32.eq, if
    append(code_, {0x3f, 0x00, 0xad});              // memory.size, i64.extend_i32_u
    get(wanted);
    append(code_, {0xad, 0x7c, 0x42});  // i64.extend_i32_u, i64.add, i64.const
    append_signed(code_, static_cast<std::int64_t>(module_.memory_pages_max));
    append(code_, {0x58, 0x04, 0x40, 0x41, 0x01, global_set});  // i64.le_u, if, i32.const 1
    append_unsigned(code_, added_.no_memory);
    append(code_, {0x00, end_code, end_code});  // unreachable
    get(before);
}

/// x, or NaN where x is not equal to itself.
void FunctionGate::make_operand_canonical(Type type) {
    const bool is_f64 = type == 'F';
    const std::uint32_t value = scratch(type);
    append(code_, {local_tee});
    append_unsigned(code_, value);
    append(code_, {is_f64 ? 0x44U : 0x43U});
    append_nan(code_, is_f64, is_f64 ? 8 : 4);
    for (int i = 0; i < 2; ++i) {
        append(code_, {local_get});
        append_unsigned(code_, value);
    }
    append(code_, {is_f64 ? 0x61U : 0x5bU, 0x1b});  // eq, select
}

/// The same for each lane: bitselect(x, NaN, x == x).
void FunctionGate::make_result_canonical(bool is_f64) {
    const std::uint32_t value = scratch('v');
    append(code_, {local_tee});
    append_unsigned(code_, value);
    append(code_, {vector_prefix, 0x0c});
    append_nan(code_, is_f64, 16);
    for (int i = 0; i < 2; ++i) {
        append(code_, {local_get});
        append_unsigned(code_, value);
    }
    append(code_, {vector_prefix, is_f64 ? 0x47U : 0x41U, vector_prefix, 0x52});
}

/// The maximum of a and b: pmax(a, b) and pmax(b, a) have the same bits, but for zeros of two
/// signs, whose "and" is +0; and NaN where one of them is NaN. SpiderMonkey 102 gets zeros wrong.
void FunctionGate::write_maximum(bool is_f64) {
    const std::uint32_t a = scratch('v', 1);
    const std::uint32_t b = scratch('v', 2);
    const unsigned pmax = is_f64 ? 0xf7 : 0xeb;
    const unsigned ne = is_f64 ? 0x48 : 0x42;
    const auto use = [&](std::uint32_t first, std::uint32_t second, unsigned number) {
        for (const std::uint32_t local : {first, second}) {
            append(code_, {local_get});
            append_unsigned(code_, local);
        }
        append(code_, {vector_prefix});
        append_unsigned(code_, number);
    };
    append(code_, {local_set});
    append_unsigned(code_, b);
    append(code_, {local_set});
    append_unsigned(code_, a);
    append(code_, {vector_prefix, 0x0c});
    append_nan(code_, is_f64, 16);
    use(a, b, pmax);
    use(b, a, pmax);
    append(code_, {vector_prefix, 0x4e});  // and
    use(a, a, ne);
    use(b, b, ne);
    append(code_, {vector_prefix, 0x50, vector_prefix, 0x52});  // or, bitselect
}

/// fuel -= price; below 0 the task ends.
void FunctionGate::pay() {
    if (!added_.counts_fuel || body_.failed()) return;
    const std::uint32_t rest = scratch('I');
    append(code_, {global_get});
    append_unsigned(code_, added_.fuel);
    append(code_, {0x42});
    blocks_.back().paid_by = payments_.size();
    payments_.push_back({code_.size(), 1});
    code_.resize(code_.size() + price_bytes);
    append(code_, {0x7d, local_tee});
    append_unsigned(code_, rest);
    append(code_, {global_set});
    append_unsigned(code_, added_.fuel);
    append(code_, {local_get});
    append_unsigned(code_, rest);
    append(code_, {0x42, 0x00, 0x53, 0x04, 0x40, 0x00, end_code});  // < 0, if, unreachable
}

void FunctionGate::finish_payments() {
    for (const Payment& payment : payments_) {
        for (std::size_t i = 0; i < price_bytes; ++i) {
            const unsigned low = (payment.price >> (7 * i)) & 0x7fU;
            code_[payment.place + i] =
                static_cast<std::byte>(i + 1 < price_bytes ? low | 0x80U : low);
        }
    }
}

}  // namespace netcompute::usercode
