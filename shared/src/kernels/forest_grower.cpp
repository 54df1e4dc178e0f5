#include "forest_grower.hpp"

#include "boosting_search.hpp"
#include <netcompute/random.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <string>

namespace netcompute::kernels {

/// What is the same for classes and numbers.
struct ForestGrower::Implementation {
    Implementation() = default;
    Implementation(const Implementation&) = delete;
    Implementation& operator=(const Implementation&) = delete;
    virtual ~Implementation() = default;
    [[nodiscard]] virtual Result<void> grow(std::uint32_t tree, GrownForest& grown) = 0;
};

namespace {

/// Streams of the plan's seed for the columns and cuts of each tree.
constexpr std::uint64_t feature_streams = std::uint64_t{2} << 32;

/// Sums over rows, [slots] for a bin or a node: of rows as they were drawn, so one that was drawn
/// twice is two. Scores are larger for better divisions, and at least 0.
///
/// Of two classes: the rows in the low half of one word, those of class 1 in the high one.
class TwoClasses {
 public:
    /// A row that was drawn, in the order of nodes.
    struct Sample {
        std::uint32_t row;
        std::uint16_t weight;
        std::uint16_t positive;  ///< The weight again, or 0.
    };

    explicit TwoClasses(const ForestPlan&) {}

    [[nodiscard]] static constexpr std::size_t slots() { return 1; }
    [[nodiscard]] static Sample sample(std::uint32_t row, std::uint16_t weight,
                                       std::int32_t label) {
        return {row, weight, label == 1 ? weight : std::uint16_t{0}};
    }
    static void add(std::int64_t* sums, const Sample& sample) {
        sums[0] += std::int64_t{sample.positive} << 32 | std::int64_t{sample.weight};
    }
    [[nodiscard]] static std::int64_t rows(const std::int64_t* sums) {
        return sums[0] & 0xffffffff;
    }
    [[nodiscard]] static bool is_pure(const std::int64_t* sums, std::span<const Sample>) {
        return positives(sums) == 0 || positives(sums) == rows(sums);
    }
    static void write_leaf(const std::int64_t* sums, std::vector<double>& values) {
        values.push_back(static_cast<double>(positives(sums)) / static_cast<double>(rows(sums)));
    }
    /// For a node with these sums, before its divisions are scored.
    void begin(const std::int64_t* whole) {
        rows_ = rows(whole);
        positives_ = positives(whole);
    }
    /// Gini's impurity falls by 2 d^2 / (n l r), for d = n times the positives on the left minus
    /// the positives times l, and l and r rows on both sides of n: this is d^2 / (l r).
    [[nodiscard]] double score(const std::int64_t* left) const {
        const std::int64_t rows_left = rows(left);
        const auto d = static_cast<double>(rows_ * positives(left) - positives_ * rows_left);
        return d * d / static_cast<double>(rows_left * (rows_ - rows_left));
    }
    /// What the impurity, times the rows, falls by.
    [[nodiscard]] double decrease(double score) const {
        return 2 * score / static_cast<double>(rows_);
    }

 private:
    [[nodiscard]] static std::int64_t positives(const std::int64_t* sums) { return sums[0] >> 32; }

    std::int64_t rows_ = 0;
    std::int64_t positives_ = 0;
};

/// A slot a class: its rows.
class ManyClasses {
 public:
    struct Sample {
        std::uint32_t row;
        std::uint16_t weight;
        std::uint16_t label;
    };

    explicit ManyClasses(const ForestPlan& plan) : classes_{plan.class_count} {}

    [[nodiscard]] std::size_t slots() const { return classes_; }
    [[nodiscard]] static Sample sample(std::uint32_t row, std::uint16_t weight,
                                       std::int32_t label) {
        return {row, weight, static_cast<std::uint16_t>(label)};
    }
    static void add(std::int64_t* sums, const Sample& sample) {
        sums[sample.label] += sample.weight;
    }
    [[nodiscard]] std::int64_t rows(const std::int64_t* sums) const {
        std::int64_t all = 0;
        for (std::size_t i = 0; i < classes_; ++i) all += sums[i];
        return all;
    }
    [[nodiscard]] bool is_pure(const std::int64_t* sums, std::span<const Sample>) const {
        return std::count_if(sums, sums + classes_, [](std::int64_t n) { return n > 0; }) < 2;
    }
    void write_leaf(const std::int64_t* sums, std::vector<double>& values) const {
        const auto all = static_cast<double>(rows(sums));
        for (std::size_t i = 0; i < classes_; ++i) {
            values.push_back(static_cast<double>(sums[i]) / all);
        }
    }
    void begin(const std::int64_t* whole) {
        whole_ = whole;
        double squares = 0;
        for (std::size_t i = 0; i < classes_; ++i) {
            squares += static_cast<double>(whole[i] * whole[i]);
        }
        score_whole_ = squares / static_cast<double>(rows(whole));
    }
    /// The sum of the squared rows of each class by all rows, of both sides.
    [[nodiscard]] double score(const std::int64_t* left) const {
        std::int64_t rows_left = 0;
        std::int64_t rows_right = 0;
        std::int64_t squares_left = 0;
        std::int64_t squares_right = 0;
        for (std::size_t i = 0; i < classes_; ++i) {
            const std::int64_t right = whole_[i] - left[i];
            rows_left += left[i];
            rows_right += right;
            squares_left += left[i] * left[i];
            squares_right += right * right;
        }
        return static_cast<double>(squares_left) / static_cast<double>(rows_left) +
               static_cast<double>(squares_right) / static_cast<double>(rows_right);
    }
    [[nodiscard]] double decrease(double score) const {
        return std::max(0.0, score - score_whole_);
    }

 private:
    std::size_t classes_;
    const std::int64_t* whole_ = nullptr;
    double score_whole_ = 0;
};

/// Slots are the sum of the numbers, and the rows.
class Numbers {
 public:
    struct Sample {
        std::uint32_t row;
        std::int32_t label;
        std::int32_t weight;
    };

    explicit Numbers(const ForestPlan& plan) : offset_{plan.label_offset}, unit_{plan.label_unit} {}

    [[nodiscard]] static constexpr std::size_t slots() { return 2; }
    [[nodiscard]] static Sample sample(std::uint32_t row, std::uint16_t weight,
                                       std::int32_t label) {
        return {row, label, weight};
    }
    static void add(std::int64_t* sums, const Sample& sample) {
        sums[0] += std::int64_t{sample.label} * sample.weight;
        sums[1] += sample.weight;
    }
    [[nodiscard]] static std::int64_t rows(const std::int64_t* sums) { return sums[1]; }
    [[nodiscard]] static bool is_pure(const std::int64_t*, std::span<const Sample> samples) {
        return std::all_of(samples.begin(), samples.end(), [&](const Sample& sample) {
            return sample.label == samples.front().label;
        });
    }
    void write_leaf(const std::int64_t* sums, std::vector<double>& values) const {
        const double mean = static_cast<double>(sums[0]) / static_cast<double>(sums[1]);
        values.push_back(offset_ + unit_ * mean);
    }
    /// Numbers are taken as distances from the node's mean, so that little is lost by rounding.
    void begin(const std::int64_t* whole) {
        rows_ = whole[1];
        mean_ = whole[0] / rows_;
        rest_ = static_cast<double>(whole[0] - mean_ * rows_) / static_cast<double>(rows_);
    }
    /// The squared error falls by d^2 n / (l r), for the sum d of the left side's l numbers as
    /// distances from the mean of all n.
    [[nodiscard]] double score(const std::int64_t* left) const {
        const std::int64_t rows_left = left[1];
        const double d = static_cast<double>(left[0] - mean_ * rows_left) -
                         static_cast<double>(rows_left) * rest_;
        return d * d / static_cast<double>(rows_left * (rows_ - rows_left));
    }
    [[nodiscard]] double decrease(double score) const { return score * static_cast<double>(rows_); }

 private:
    double offset_;
    double unit_;
    std::int64_t rows_ = 0;
    std::int64_t mean_ = 0;  ///< But for
    double rest_ = 0;        ///< less than a unit.
};

struct Division {
    double score = -1;  ///< Less than that of any division: there is none yet.
    std::uint16_t feature = 0;
    std::uint8_t bin = 0;
    bool missing_left = false;

    [[nodiscard]] bool is_found() const { return score >= 0; }
};

struct OpenNode {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t depth;
};

template <typename Target>
class Grower final : public ForestGrower::Implementation {
 public:
    explicit Grower(const ForestTable& table)
        : table_{table},
          plan_{table.plan},
          target_{table.plan},
          samples_(table.plan.row_count),
          right_(table.plan.row_count),
          bins_(bin_count * slots()),
          left_(slots()),
          best_left_(slots()),
          whole_(slots()),
          features_(table.plan.feature_count) {}

    [[nodiscard]] Result<void> grow(std::uint32_t tree, GrownForest& grown) override {
        Philox random{plan_.seed, feature_streams + tree};
        std::iota(features_.begin(), features_.end(), std::uint16_t{0});
        decreases_.assign(plan_.feature_count, 0);
        ForestTree& into = grown.trees.emplace_back();
        std::uint32_t leaves = 0;
        begin(tree);
        while (!open_.empty()) {
            const OpenNode node = open_.back();
            open_.pop_back();
            std::copy(open_sums_.end() - static_cast<std::ptrdiff_t>(slots()), open_sums_.end(),
                      whole_.begin());
            open_sums_.resize(open_sums_.size() - slots());
            const Division best = divide(node, random);
            if (!best.is_found()) {
                if (++leaves > plan_.leaves_max) return too_many_leaves(tree);
                into.nodes.push_back({});
                target_.write_leaf(whole_.data(), into.values);
                continue;
            }
            into.nodes.push_back({best.feature, best.bin, best.missing_left});
            decreases_[best.feature] += target_.decrease(best.score);
            open_sides(node, partition(node, best));
        }
        add_importances(grown.importances);
        return {};
    }

 private:
    using Sample = typename Target::Sample;

    [[nodiscard]] std::size_t slots() const { return target_.slots(); }

    void begin(std::uint32_t tree) {
        std::vector<std::uint16_t> drawn;
        if (plan_.bootstrap) drawn = forest_draws(plan_, tree);
        std::fill(whole_.begin(), whole_.end(), 0);
        std::uint32_t count = 0;
        for (std::uint32_t row = 0; row < plan_.row_count; ++row) {
            const std::uint16_t weight = plan_.bootstrap ? drawn[row] : std::uint16_t{1};
            if (weight == 0) continue;
            samples_[count] = Target::sample(row, weight, table_.labels[row]);
            target_.add(whole_.data(), samples_[count]);
            ++count;
        }
        open_.assign(1, {0, count, 0});
        open_sums_ = whole_;
    }

    /// The best of the divisions that are looked at; none for a node that is to be a leaf.
    Division divide(const OpenNode& node, Philox& random) {
        const std::int64_t rows = target_.rows(whole_.data());
        const std::span<const Sample> samples{samples_.data() + node.begin, node.end - node.begin};
        Division best;
        if (node.depth >= plan_.max_depth || rows < std::int64_t{plan_.min_samples_split} ||
            rows < 2 * std::int64_t{plan_.min_samples_leaf} ||
            target_.is_pure(whole_.data(), samples)) {
            return best;
        }
        target_.begin(whole_.data());
        rows_ = rows;
        for (std::uint32_t i = 0; i < plan_.feature_count; ++i) {
            if (i >= plan_.max_features && best.is_found()) break;
            const auto other =
                i + static_cast<std::uint32_t>(random.next_below(plan_.feature_count - i));
            std::swap(features_[i], features_[other]);
            search(features_[i], samples, random, best);
        }
        return best;
    }

    void search(std::uint16_t feature, std::span<const Sample> samples, Philox& random,
                Division& best) {
        add_up(feature, samples);
        const bool has_missing = seen_[missing_bin] != 0;
        const std::size_t values = occupied_count_ - (has_missing ? 1 : 0);
        if (occupied_count_ > 1) {
            if (plan_.random_cuts) {
                try_random_cut(feature, values, has_missing, random, best);
            } else {
                // Missing values go right, so the last bin can be divided from them.
                try_cuts(feature, has_missing ? values : values - 1, has_missing, false, best);
                if (has_missing) try_cuts(feature, values - 1, true, true, best);
            }
        }
        for (std::size_t i = 0; i < occupied_count_; ++i) {
            std::fill_n(bins_.begin() + static_cast<std::ptrdiff_t>(occupied_[i] * slots()),
                        slots(), 0);
        }
        seen_.fill(0);
    }

    /// The sums of each bin, and which ones have rows.
    void add_up(std::uint16_t feature, std::span<const Sample> samples) {
        const std::uint8_t* const column =
            table_.columns.data() + std::size_t{feature} * plan_.row_count;
        std::int64_t* const bins = bins_.data();
        const std::size_t slots = target_.slots();
        for (const Sample& sample : samples) {
            const std::size_t bin = column[sample.row];
            target_.add(bins + bin * slots, sample);
            seen_[bin] = 1;
        }
        occupied_count_ = 0;
        for (std::size_t first = 0; first < bin_count; first += sizeof(std::uint64_t)) {
            std::uint64_t flags = 0;
            std::memcpy(&flags, seen_.data() + first, sizeof flags);
            for (; flags != 0; flags &= flags - 1) {
                const int at = __builtin_ctzll(flags) / 8;
                occupied_[occupied_count_++] =
                    static_cast<std::uint8_t>(first + static_cast<std::size_t>(at));
            }
        }
    }

    void add_left(std::uint8_t bin) {
        const std::int64_t* const sums = bins_.data() + bin * slots();
        for (std::size_t i = 0; i < slots(); ++i) left_[i] += sums[i];
    }

    /// Divides after each of the first `cuts` occupied bins.
    void try_cuts(std::uint16_t feature, std::size_t cuts, bool has_missing, bool missing_left,
                  Division& best) {
        std::fill(left_.begin(), left_.end(), 0);
        if (missing_left) add_left(missing_bin);
        for (std::size_t i = 0; i < cuts; ++i) {
            add_left(occupied_[i]);
            consider(feature, occupied_[i], has_missing, missing_left, best);
        }
    }

    /// One division anywhere between the lowest and the highest bin.
    void try_random_cut(std::uint16_t feature, std::size_t values, bool has_missing, Philox& random,
                        Division& best) {
        const bool missing_left = has_missing && values > 1 && random.next_below(2) == 1;
        std::size_t cut = occupied_[0];
        if (values > 1) cut += random.next_below(occupied_[values - 1] - cut);
        std::fill(left_.begin(), left_.end(), 0);
        if (missing_left) add_left(missing_bin);
        for (std::size_t i = 0; i < values && occupied_[i] <= cut; ++i) add_left(occupied_[i]);
        consider(feature, static_cast<std::uint8_t>(cut), has_missing, missing_left, best);
    }

    void consider(std::uint16_t feature, std::uint8_t bin, bool has_missing, bool missing_left,
                  Division& best) {
        const std::int64_t rows_left = target_.rows(left_.data());
        const std::int64_t side_min = plan_.min_samples_leaf;
        if (rows_left < side_min || rows_ - rows_left < side_min) return;
        const double score = target_.score(left_.data());
        if (!(score > best.score)) return;
        // Where no value was missing, those that are later go where most rows went.
        best = {score, feature, bin, has_missing ? missing_left : 2 * rows_left >= rows_};
        std::copy_n(left_.begin(), slots(), best_left_.begin());
    }

    /// Keeps the order of rows on both sides. Returns where the right ones begin.
    std::uint32_t partition(const OpenNode& node, const Division& division) {
        const std::uint8_t* const column =
            table_.columns.data() + std::size_t{division.feature} * plan_.row_count;
        std::array<std::uint8_t, bin_count> lefts{};
        std::fill_n(lefts.begin(), division.bin + 1, std::uint8_t{1});
        lefts[missing_bin] = division.missing_left ? 1 : 0;
        Sample* const samples = samples_.data();
        Sample* const right = right_.data();
        std::uint32_t to = node.begin;
        std::uint32_t moved = 0;
        for (std::uint32_t i = node.begin; i < node.end; ++i) {
            const Sample sample = samples[i];
            const std::uint32_t left = lefts[column[sample.row]];
            samples[to] = sample;
            right[moved] = sample;
            to += left;
            moved += 1 - left;
        }
        std::copy_n(right, moved, samples + to);
        return to;
    }

    /// The left side is next.
    void open_sides(const OpenNode& node, std::uint32_t middle) {
        open_.push_back({middle, node.end, node.depth + 1});
        for (std::size_t i = 0; i < slots(); ++i) {
            open_sums_.push_back(whole_[i] - best_left_[i]);
        }
        open_.push_back({node.begin, middle, node.depth + 1});
        open_sums_.insert(open_sums_.end(), best_left_.begin(), best_left_.end());
    }

    void add_importances(std::vector<double>& importances) const {
        const double all = std::accumulate(decreases_.begin(), decreases_.end(), 0.0);
        for (const double decrease : decreases_) {
            importances.push_back(all > 0 ? decrease / all : 0);
        }
    }

    [[nodiscard]] Unexpected too_many_leaves(std::uint32_t tree) const {
        return unexpected(ErrorCode::LimitExceeded,
                          "forest: tree " + std::to_string(tree) + " has more than " +
                              std::to_string(plan_.leaves_max) +
                              " leaves, and the model would be too large: choose a smaller "
                              "max_depth, a larger min_samples_leaf, or fewer trees");
    }

    const ForestTable& table_;
    const ForestPlan& plan_;
    Target target_;
    std::vector<Sample> samples_;                 ///< Node after node.
    std::vector<Sample> right_;                   ///< Room for those that go right.
    std::vector<std::int64_t> bins_;              ///< Shape [256][slots]; 0 between searches.
    std::array<std::uint8_t, bin_count> seen_{};  ///< 1 for a bin with rows; 0 between searches.
    std::array<std::uint8_t, bin_count> occupied_{};
    std::size_t occupied_count_ = 0;
    std::vector<std::int64_t> left_;
    std::vector<std::int64_t> best_left_;
    std::vector<std::int64_t> whole_;  ///< Of the node that is looked at.
    std::int64_t rows_ = 0;            ///< Likewise.
    std::vector<std::uint16_t> features_;
    std::vector<double> decreases_;  ///< Of impurity, by each feature.
    std::vector<OpenNode> open_;
    std::vector<std::int64_t> open_sums_;  ///< Shape [open][slots].
};

}  // namespace

ForestGrower::ForestGrower(const ForestTable& table) {
    if (table.plan.class_count == 2) {
        implementation_ = std::make_unique<Grower<TwoClasses>>(table);
    } else if (table.plan.class_count > 0) {
        implementation_ = std::make_unique<Grower<ManyClasses>>(table);
    } else {
        implementation_ = std::make_unique<Grower<Numbers>>(table);
    }
}

ForestGrower::~ForestGrower() = default;

Result<void> ForestGrower::grow(std::uint32_t tree, GrownForest& grown) {
    return implementation_->grow(tree, grown);
}

}  // namespace netcompute::kernels
