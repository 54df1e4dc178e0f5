#pragma once

#include "core/events.hpp"
#include "trace.hpp"

namespace netcompute::sim {

/// Writes down what the scheduler is told.
void trace_event(Trace& trace, Instant when, const core::Event& event);

/// Writes down what the scheduler answers; `step` is the master's clock at that step.
void trace_effect(Trace& trace, Instant when, Instant step, const core::Effect& effect);

}  // namespace netcompute::sim
