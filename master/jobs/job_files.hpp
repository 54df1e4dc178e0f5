#pragma once

#include "data/data_path.hpp"
#include "data/input_file.hpp"
#include "jobs/job_type.hpp"
#include "store/records.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::jobs {

/// Writes a job's outputs once it has computed them, by the rules of data::write_output().
class OutputWriter {
 public:
    OutputWriter() = default;
    explicit OutputWriter(const JobContext& context)
        : root_{context.root},
          written_{context.written},
          outputs_{context.outputs},
          dropped_{context.dropped_outputs},
          is_on_{context.writes_files} {}

    /// Errors: those of data::write_output().
    [[nodiscard]] Result<void> write(const data::DataPath& path, ByteSpan bytes) const;

 private:
    std::filesystem::path root_;
    data::WrittenFiles* written_ = nullptr;
    std::shared_ptr<WrittenOutputs> outputs_;
    std::set<std::string> dropped_;
    bool is_on_ = false;
};

/// The files that a job's parameters name. Each is asked for once, and remembered, so that no
/// output is an input or another output. Errors name the parameter.
class JobFiles final : public params::ParamFiles {
 public:
    /// The context outlives it.
    explicit JobFiles(const JobContext& context) : context_{context} {}

    /// Opens a file to read: below Data/, or anywhere for who sits at the master's own command
    /// line; or the one that another job wrote ("job:3/model"), which is no file yet as long as
    /// that job is not over. Errors: those of data::parse_data_path() and data::InputFile.
    [[nodiscard]] Result<data::InputFile> input(const std::string& key,
                                                const std::string& text) override;
    /// A file to write, below Data/ for everybody. Ask for the inputs first. Errors: those of
    /// data::parse_data_path(); InvalidArgument for a file that the job reads, or writes already.
    [[nodiscard]] Result<data::DataPath> output(const std::string& key,
                                                const std::string& text) override;

    /// Whether the outputs can be written now, for the answer to who submits. Errors: those of
    /// data::check_output(); InvalidArgument for an input under another name.
    [[nodiscard]] Result<void> check_outputs() const;

 private:
    struct Output {
        std::string key;
        data::DataPath path;
        std::string text;  ///< As it was written.
    };
    [[nodiscard]] Result<void> check_not_beside_data(const Output& output) const;
    [[nodiscard]] Result<data::InputFile> open(const std::string& text) const;
    [[nodiscard]] Result<data::InputFile> open_anywhere(const std::string& text) const;

    const JobContext& context_;
    std::vector<std::pair<std::string, data::InputFile>> inputs_;  ///< By parameter.
    std::vector<Output> outputs_;
};

/// A job's parameters as everybody may see them: of a file that its user named at the master's
/// command line, without the folders that it lies in.
[[nodiscard]] nlohmann::json shown_params(const store::JobRecord& job);

}  // namespace netcompute::jobs
