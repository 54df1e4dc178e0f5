#include <netcompute/protocol/payload.hpp>
#include <netcompute/worker/lease_work.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::worker {
namespace {

std::vector<protocol::BlobInput> blobs_in(const std::vector<protocol::WireInput>& inputs) {
    std::vector<protocol::BlobInput> blobs;
    for (const auto& input : inputs) {
        if (const auto* blob = std::get_if<protocol::BlobInput>(&input)) blobs.push_back(*blob);
    }
    return blobs;
}

Bytes slice(const Bytes& bytes, std::size_t begin, std::size_t end) {
    const ByteSpan part = ByteSpan{bytes}.subspan(begin, end - begin);
    return {part.begin(), part.end()};
}

}  // namespace

LeaseWork::LeaseWork(protocol::Lease lease, Bytes payload)
    : unfinished{lease.tasks.size()}, lease_{std::move(lease)}, payload_{std::move(payload)} {
    std::size_t offset = 0;
    for (const auto& input : lease_.shared_inputs) offset += protocol::wire_bytes(input);
    offsets_.reserve(unfinished + 1);
    offsets_.push_back(offset);
    for (const auto& task : lease_.tasks) {
        offset += protocol::wire_bytes(task);
        offsets_.push_back(offset);
    }
    if (unfinished != 0) pending_.push_back({0, unfinished});
}

std::size_t LeaseWork::pending_count() const {
    std::size_t count = 0;
    for (const PlaceRange& range : pending_) count += range.size();
    return count;
}

std::vector<std::size_t> LeaseWork::pending_places(std::size_t limit) const {
    std::vector<std::size_t> places;
    for (const PlaceRange& range : pending_) {
        for (std::size_t place = range.begin; place < range.end; ++place) {
            if (places.size() == limit) return places;
            places.push_back(place);
        }
    }
    return places;
}

PlaceRange LeaseWork::start(std::size_t place, std::size_t count, std::size_t bytes_max) {
    const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const PlaceRange& range) {
        return range.begin <= place && place < range.end;
    });
    NETCOMPUTE_ASSERT(found != pending_.end(), "only tasks that are not started can start");
    const PlaceRange range = *found;
    std::size_t end = std::min(range.end, place + count);
    while (end > place + 1 && offsets_[end] - offsets_[place] > bytes_max) {
        end = place + (end - place + 1) / 2;
    }
    auto rest = pending_.erase(found);
    if (end < range.end) rest = pending_.insert(rest, {end, range.end});
    if (range.begin < place) pending_.insert(rest, {range.begin, place});
    return {place, end};
}

void LeaseWork::hand_back(PlaceRange range) {
    if (range.begin < range.end) pending_.push_front(range);
}

Bytes LeaseWork::task_bytes(PlaceRange range) const {
    return slice(payload_, offsets_[range.begin], offsets_[range.end]);
}

Bytes LeaseWork::shared_bytes() const {
    return slice(payload_, 0, offsets_[0]);
}

std::vector<protocol::BlobInput> LeaseWork::task_blobs(std::size_t place) const {
    return blobs_in(lease_.tasks[place].inputs);
}

std::vector<protocol::BlobInput> LeaseWork::shared_blobs() const {
    return blobs_in(lease_.shared_inputs);
}

}  // namespace netcompute::worker
