#pragma once

#include "usercode/instructions.hpp"
#include "usercode/module.hpp"
#include "usercode/module_reader.hpp"
#include <netcompute/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::usercode {

/// Checks one function's body and writes it anew. Source of the checks: the validation algorithm of
/// the WebAssembly Core Specification 2.0, appendix 7.3: a stack of types and one of blocks.
class FunctionGate {
 public:
    /// `body` is read to its end; what is wrong is told to it.
    FunctionGate(const Module& module, const AddedGlobals& added, const FunctionType& type,
                 ModuleReader& body)
        : module_{module}, added_{added}, type_{type}, body_{body} {}

    /// The new body, without its size. Nothing if the reader has failed.
    [[nodiscard]] Bytes run();

 private:
    struct Block {
        std::uint8_t opcode = 0;
        Types begin;
        Types end;
        std::size_t height = 0;
        bool is_unreachable = false;
        std::size_t paid_by = 0;  ///< Which of payments_ pays for its instructions.
    };
    /// Where the price of a piece of code stands, to be filled in.
    struct Payment {
        std::size_t place = 0;
        std::uint32_t price = 0;
    };

    bool refuse(const std::string& why);
    void read_locals();
    void instruction();
    void control(std::uint8_t opcode);
    void variable(std::uint8_t opcode);
    void select();
    void memory_size_or_grow(std::uint8_t opcode);
    void constant(std::uint8_t opcode);
    void reference(std::uint8_t opcode);
    void prefixed_fc();
    void prefixed_fd();
    void apply(const Instruction& instruction);
    void read_immediate(const Instruction& instruction);
    void read_memory_argument(std::uint32_t alignment_max);

    FunctionType block_type();
    Types label_types(const Block& block) const {
        return block.opcode == 0x03 ? block.begin : block.end;
    }
    const Block* label(std::uint32_t depth);
    void open(std::uint8_t opcode, const FunctionType& type);
    void close();
    void unreachable();
    void push(Type type) { stack_.push_back(type); }
    void push(const Types& types) { stack_ += types; }
    Type pop();
    void pop(Type wanted);
    void pop(const Types& types);
    void call(const FunctionType& type);
    bool needs_memory();

    std::uint32_t scratch(Type type, std::size_t number = 0);
    void keep();  ///< Copies the instruction as it is.
    void make_operand_canonical(Type type);
    void make_result_canonical(bool is_f64);
    void write_maximum(bool is_f64);
    void write_growth();
    void pay();
    void finish_payments();

    const Module& module_;
    const AddedGlobals& added_;
    const FunctionType& type_;
    ModuleReader& body_;
    Bytes code_;
    Types locals_;
    Bytes local_declarations_;
    std::uint32_t declaration_count_ = 0;
    Types scratch_;  ///< Locals of ours, behind those of the function.
    Types stack_;
    std::vector<Block> blocks_;
    std::vector<Payment> payments_;
    std::size_t begin_ = 0;       ///< Of the instruction at hand, in the body.
    std::size_t offset_ = 0;      ///< The same in the module.
    std::string_view name_ = "";  ///< Of it.
};

}  // namespace netcompute::usercode
