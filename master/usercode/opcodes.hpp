#pragma once

namespace netcompute::usercode {

// Numbers of instructions that the gate writes or looks for.
inline constexpr unsigned end_code = 0x0b;
inline constexpr unsigned local_get = 0x20;
inline constexpr unsigned local_set = 0x21;
inline constexpr unsigned local_tee = 0x22;
inline constexpr unsigned global_get = 0x23;
inline constexpr unsigned global_set = 0x24;
inline constexpr unsigned vector_prefix = 0xfd;

}  // namespace netcompute::usercode
