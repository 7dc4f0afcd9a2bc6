// Bodies of report/, compiled once: see core/compiled.hpp.
#include <meshwise/report/flight_log.inl.hpp>
#include <meshwise/report/flight_records.inl.hpp>
#include <meshwise/report/loss_curve.inl.hpp>
#include <meshwise/report/progress.inl.hpp>
#include <meshwise/report/progress_bar.inl.hpp>
#include <meshwise/report/svg.inl.hpp>
#include <meshwise/report/ticks.inl.hpp>
