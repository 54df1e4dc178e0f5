#pragma once

#include "params/params.hpp"

namespace netcompute::params {

/// To read params of a table of which no file is opened, because none is named to be read: a
/// learner's, or those of a job that is only looked at. Paths of outputs are read as they are.
class NoFiles final : public ParamFiles {
 public:
    Result<data::InputFile> input(const std::string& key, const std::string&) override {
        return unexpected(ErrorCode::InvalidArgument, "params." + key + ": no file is read here");
    }
    Result<data::DataPath> output(const std::string&, const std::string& text) override {
        return data::parse_data_path({}, text);
    }
};

}  // namespace netcompute::params
