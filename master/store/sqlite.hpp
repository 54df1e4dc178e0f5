#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

struct sqlite3;
struct sqlite3_backup;
struct sqlite3_stmt;

namespace netcompute::store {

/// One prepared statement, to be run any number of times. Errors of all of them: Unavailable for
/// what somebody can put right (a full disk, a read-only or damaged file), saying how, else
/// Internal; the message names the file.
class SqliteStatement {
 public:
    SqliteStatement() = default;
    explicit SqliteStatement(sqlite3_stmt* statement) : statement_{statement} {}

    /// Runs it to its end with these values for its parameters, in order. The bytes of texts and
    /// blobs are not copied: they are needed until this returns.
    template <typename... Values>
    [[nodiscard]] Result<void> run(const Values&... values) {
        return each([](const SqliteStatement&) {}, values...);
    }

    /// As run(), and calls `row` for each row with this statement, whose columns are that row's. If
    /// `row` returns a Result<void>, its error ends the run and is returned.
    template <typename Row, typename... Values>
    [[nodiscard]] Result<void> each(Row&& row, const Values&... values) {
        const Reset reset{*this};
        int place = 0;
        (bind(++place, values), ...);
        for (;;) {
            const auto stepped = step();
            if (!stepped) return unexpected(stepped.error());
            if (!*stepped) return {};
            if constexpr (std::is_void_v<decltype(row(*this))>) {
                row(*this);
            } else {
                if (Result<void> done = row(*this); !done) return done;
            }
        }
    }

    /// The first column of the first row; nothing without a row, or if it is NULL.
    template <typename... Values>
    [[nodiscard]] Result<std::optional<std::int64_t>> first_integer(const Values&... values) {
        std::optional<std::int64_t> found;
        const auto done = each(
            [&](const SqliteStatement& row) {
                if (!row.is_null(0)) found = row.integer(0);
            },
            values...);
        if (!done) return unexpected(done.error());
        return found;
    }

    /// Of the current row, columns from 0. Bytes are valid until `row` returns.
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] ByteSpan blob(int column) const;

    template <std::integral T>
    [[nodiscard]] T integer_as(int column) const {
        return static_cast<T>(integer(column));
    }
    template <typename T>
    [[nodiscard]] T id(int column) const {
        return T{integer_as<std::uint64_t>(column)};
    }

 private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    /// Ends the statement's read of the database however its scope is left.
    struct Reset {
        SqliteStatement& statement;
        explicit Reset(SqliteStatement& the_statement) : statement{the_statement} {}
        Reset(const Reset&) = delete;
        Reset& operator=(const Reset&) = delete;
        ~Reset() { statement.reset(); }
    };

    void bind(int place, std::nullopt_t);
    void bind(int place, std::int64_t value);
    void bind(int place, double value);
    void bind(int place, std::string_view text);
    void bind(int place, ByteSpan bytes);
    void bind(int place, const std::string& text) { bind(place, std::string_view{text}); }
    void bind(int place, const Bytes& bytes) { bind(place, ByteSpan{bytes}); }
    template <std::integral T>
    void bind(int place, T value) {
        bind(place, static_cast<std::int64_t>(value));
    }
    template <typename Tag>
    void bind(int place, Id<Tag> id) {
        bind(place, id.value);
    }
    template <typename T>
    void bind(int place, const std::optional<T>& value) {
        if (value) {
            bind(place, *value);
        } else {
            bind(place, std::nullopt);
        }
    }
    void note_bind(int code);
    [[nodiscard]] Result<bool> step();
    void reset();

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bind_error_ = 0;  ///< The next step's error, if a value could not be bound.
};

/// A connection to a database file of this process alone, for one thread at a time. Others of this
/// process may be open beside it; none needs shared memory, so the file may lie on a network drive,
/// and a full disk cannot end the process. Outlives its statements.
class SqliteDatabase {
 public:
    /// Makes the file if it is not there. Errors as for statements, and Unavailable if another
    /// program has it open.
    [[nodiscard]] static Result<SqliteDatabase> open(const std::filesystem::path& path);

    /// Statements without parameters, separated by semicolons; the rows they give are dropped.
    [[nodiscard]] Result<void> execute(const std::string& statements);
    [[nodiscard]] Result<SqliteStatement> prepare(std::string_view statement);
    /// Of a statement that gives one number. Errors: Internal if it gives none.
    [[nodiscard]] Result<std::int64_t> number(std::string_view statement);
    /// Of the write-ahead log, after the last commit of this connection; 0 before the first one.
    [[nodiscard]] int log_pages() const { return *log_pages_; }
    /// Moves what it can from the write-ahead log to the database, on the disk, while other
    /// connections go on. The next commit begins the log anew if all of it was moved.
    [[nodiscard]] Result<void> checkpoint();
    /// Ends the transaction if one is open; some errors have ended it already.
    void roll_back();
    [[nodiscard]] std::string file() const;
    /// Gives back what it holds of the file in memory, as far as that is on the disk too.
    void release_memory();

 private:
    friend class SqliteCopy;
    struct Close {
        void operator()(sqlite3* database) const;
    };
    explicit SqliteDatabase(sqlite3* database);
    std::unique_ptr<int> log_pages_ = std::make_unique<int>(0);
    std::unique_ptr<sqlite3, Close> database_;
};

/// Copies one database over another one, page by page, while the first is used: what is written to
/// it meanwhile by the same SqliteDatabase reaches the copy too. Both outlive it.
class SqliteCopy {
 public:
    [[nodiscard]] static Result<SqliteCopy> begin(SqliteDatabase& from, SqliteDatabase& to);

    /// Copies so many pages more; true once the copy is as the original is now. Errors as for
    /// statements; the copy is then of no use.
    [[nodiscard]] Result<bool> step(int pages);

 private:
    struct Finish {
        void operator()(sqlite3_backup* copy) const;
    };
    SqliteCopy(sqlite3* to, sqlite3_backup* copy) : to_{to}, copy_{copy} {}
    sqlite3* to_;
    std::unique_ptr<sqlite3_backup, Finish> copy_;
};

}  // namespace netcompute::store
