#include "data/table_source.hpp"

#include "data/blank_fields.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::data {
namespace {

constexpr std::size_t sample_bytes = std::size_t{1} << 16;
constexpr std::size_t first_bytes_max = 8;

/// Gives what was read ahead, then the rest.
class ReadAhead final : public CsvSource {
 public:
    explicit ReadAhead(std::unique_ptr<CsvSource> source) : source_{std::move(source)} {}

    /// The next bytes, up to `count`, which are not taken. Errors: those of the source.
    Result<std::string_view> look(std::size_t count) {
        std::size_t filled = ahead_.size();
        ahead_.resize(std::max(filled, count));
        while (filled < count && !has_ended_) {
            const auto taken = source_->read(std::span{ahead_}.subspan(filled, count - filled));
            if (!taken) return unexpected(taken.error());
            has_ended_ = *taken == 0;
            filled += *taken;
        }
        ahead_.resize(filled);
        return std::string_view{ahead_};
    }

    Result<std::size_t> read(std::span<char> target) override {
        if (given_ == ahead_.size()) return source_->read(target);
        const std::size_t taken = std::min(target.size(), ahead_.size() - given_);
        std::copy_n(ahead_.data() + given_, taken, target.data());
        given_ += taken;
        if (given_ == ahead_.size()) {
            ahead_ = {};
            given_ = 0;
        }
        return taken;
    }
    [[nodiscard]] bool has_ended() const { return has_ended_; }

 private:
    std::unique_ptr<CsvSource> source_;
    std::string ahead_;
    std::size_t given_ = 0;
    bool has_ended_ = false;
};

std::vector<std::string> notes_of(const Dialect& dialect, const GivenDialect& given) {
    std::vector<std::string> notes;
    if (dialect.skip_lines > 0 && !given.skip_lines) {
        notes.push_back("the header is line " + std::to_string(dialect.skip_lines + 1) +
                        ": what is above it is passed over");
    }
    if (dialect.comment != '\0' && !given.comment) {
        notes.push_back(std::string{"lines that begin with "} + dialect.comment +
                        " are comments, and passed over");
    }
    if (dialect.decimal == ',' && !given.decimal) notes.push_back("numbers have decimal commas");
    if (dialect.header_lacks == Dialect::Lacks::First) {
        notes.push_back(
            "the header has one name fewer than the rows have fields: the first column "
            "has none");
    }
    if (dialect.header_lacks == Dialect::Lacks::Last) {
        notes.push_back("each row ends with a separator, as if there were one more column");
    }
    return notes;
}

}  // namespace

Result<OpenTable> open_table(std::unique_ptr<CsvSource> source, std::string name,
                             const ReadingOptions& options, const CsvLimits& limits) {
    auto packed = std::make_unique<ReadAhead>(std::move(source));
    const auto start = packed->look(first_bytes_max);
    if (!start) return unexpected(start.error());
    const auto compression = detect_compression(*start, name);
    if (!compression) return unexpected(compression.error());

    auto decoded =
        decode_text(decompress(std::move(packed), *compression, name), options.encoding, name);
    DecodedSource* const decoder = decoded.get();
    auto text = std::make_unique<ReadAhead>(std::move(decoded));
    const auto sample = text->look(sample_bytes);
    if (!sample) return unexpected(sample.error());
    const Dialect dialect = detect_dialect(*sample, text->has_ended(), options.dialect);

    Dialect scanned = dialect;
    std::unique_ptr<CsvSource> fields = std::move(text);
    if (dialect.separator == ' ') {
        fields = blank_fields(std::move(fields), dialect.quote);
        scanned.separator = unit_separator;
    }
    auto reader = CsvReader::open(std::move(fields), std::move(name), limits, scanned);
    if (!reader) return unexpected(reader.error());
    return OpenTable{std::move(*reader), dialect, *compression, decoder,
                     notes_of(dialect, options.dialect)};
}

}  // namespace netcompute::data
