#include "leased_run.hpp"

#include <netcompute/protocol/frame.hpp>

#include <exception>
#include <new>
#include <utility>

namespace netcompute::worker {
namespace {

constexpr std::size_t kernel_alignment = 8;
constexpr std::size_t output_bytes_max =
    protocol::frame_bytes_max - protocol::header_bytes_max - 64;

bool is_aligned(ByteSpan bytes) {
    return reinterpret_cast<std::uintptr_t>(bytes.data()) % kernel_alignment == 0;
}

constexpr std::size_t words_of(std::size_t bytes) {
    return (bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
}

/// The blob inputs of a list, none of them fetched yet.
BlobInputs blobs_of(const std::vector<protocol::WireInput>& inputs) {
    BlobInputs blobs;
    for (const auto& input : inputs) {
        if (std::holds_alternative<protocol::BlobInput>(input)) ++blobs.missing;
    }
    blobs.blobs.resize(blobs.missing);
    return blobs;
}

std::size_t words_to_align(const std::vector<protocol::WireInput>& inputs) {
    std::size_t words = 0;
    for (const auto& input : inputs) {
        const auto* inlined = std::get_if<protocol::InlineInput>(&input);
        if (inlined != nullptr && !is_aligned(inlined->bytes)) {
            words += words_of(inlined->bytes.size());
        }
    }
    return words;
}

/// Copies the bytes into `words`, which must be large enough.
ByteSpan copied(ByteSpan bytes, std::span<std::uint64_t> words) {
    if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
    return std::as_bytes(words).first(bytes.size());
}

/// Appends the bytes of `inputs`, each at an aligned address, and tells `memo` which are blobs.
/// `spare` has room for the copies.
void gather(const std::vector<protocol::WireInput>& inputs, const BlobInputs* blobs,
            std::vector<ByteSpan>& gathered, std::span<std::uint64_t>& spare,
            kernels::TaskMemo& memo) {
    std::size_t blob_place = 0;
    for (const auto& input : inputs) {
        const auto* inlined = std::get_if<protocol::InlineInput>(&input);
        if (inlined == nullptr) {
            gathered.emplace_back(*blobs->blobs[blob_place++]);
            memo.know(gathered.back(), std::get<protocol::BlobInput>(input).sha256);
        } else if (is_aligned(inlined->bytes)) {
            gathered.push_back(inlined->bytes);
        } else {
            const auto words = spare.first(words_of(inlined->bytes.size()));
            spare = spare.subspan(words.size());
            gathered.push_back(copied(inlined->bytes, words));
        }
    }
}

Result<Bytes> call_kernel(const kernels::Kernel& kernel, std::span<const ByteSpan> inputs,
                          kernels::TaskMemo& task_memo, SharedMemo& memo) {
    try {
        return kernel.run(inputs, task_memo);
    } catch (const std::bad_alloc&) {
        memo.clear();  // The next attempt has that much more room.
        return unexpected(ErrorCode::OutOfMemory, std::string{kernel.name} +
                                                      ": this worker has not enough memory; "
                                                      "use fewer slots or smaller tasks");
    } catch (const std::exception& problem) {
        return unexpected(ErrorCode::Internal, std::string{kernel.name} + ": " + problem.what());
    }
}

}  // namespace

LeasedRun::LeasedRun(protocol::Lease wire_lease, Bytes wire_payload)
    : lease{std::move(wire_lease)},
      payload{std::move(wire_payload)},
      shared_blobs{blobs_of(lease.shared_inputs)},
      unfinished{lease.tasks.size()} {
    // Once for all tasks: shared inputs can be large.
    aligned.resize(words_to_align(lease.shared_inputs));
    std::span<std::uint64_t> spare{aligned};
    for (auto& input : lease.shared_inputs) {
        auto* inlined = std::get_if<protocol::InlineInput>(&input);
        if (inlined == nullptr || is_aligned(inlined->bytes)) continue;
        const auto words = spare.first(words_of(inlined->bytes.size()));
        spare = spare.subspan(words.size());
        inlined->bytes = copied(inlined->bytes, words);
    }

    bool any = false;
    for (const auto& task : lease.tasks) any = any || blobs_of(task.inputs).missing != 0;
    if (!any) return;
    task_blobs.reserve(lease.tasks.size());
    for (const auto& task : lease.tasks) task_blobs.push_back(blobs_of(task.inputs));
}

void LeasedRun::make_ready(std::size_t place) {
    if (!ready.empty() && ready.back().end == place) {
        ready.back().end = place + 1;
    } else {
        ready.push_back({place, place + 1});
    }
}

std::uint64_t LeasedRun::own_blob_bytes(std::size_t place) const {
    std::uint64_t bytes = 0;
    for (const auto& input : lease.tasks[place].inputs) {
        if (const auto* blob = std::get_if<protocol::BlobInput>(&input)) bytes += blob->size;
    }
    return bytes;
}

Result<Bytes> run_task(const LeasedRun& run, std::size_t place, RunScratch& scratch,
                       SharedMemo& memo) {
    if (run.kernel == nullptr) {
        return unexpected(ErrorCode::NotFound,
                          "kernel " + run.lease.kernel + " version " +
                              std::to_string(run.lease.kernel_version) +
                              ": not in this worker; install the master's version here");
    }
    if (run.shared_blobs.error) return unexpected(*run.shared_blobs.error);
    const BlobInputs* own_blobs = run.has_task_blobs() ? &run.task_blobs[place] : nullptr;
    if (own_blobs != nullptr && own_blobs->error) return unexpected(*own_blobs->error);

    const auto& task = run.lease.tasks[place];
    const std::size_t words = words_to_align(task.inputs);
    if (scratch.aligned.size() < words) scratch.aligned.resize(words);
    scratch.inputs.clear();
    std::span<std::uint64_t> spare{scratch.aligned};
    kernels::TaskMemo task_memo{memo};
    gather(run.lease.shared_inputs, &run.shared_blobs, scratch.inputs, spare, task_memo);
    gather(task.inputs, own_blobs, scratch.inputs, spare, task_memo);

    auto output = call_kernel(*run.kernel, scratch.inputs, task_memo, memo);
    if (output && output->size() > output_bytes_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          std::string{run.kernel->name} + ": an output of " +
                              std::to_string(output->size()) + " bytes is more than the " +
                              std::to_string(output_bytes_max) + " that a frame carries");
    }
    return output;
}

}  // namespace netcompute::worker
