#include "profiler/annotate.hpp"

namespace hotexpert {

bool annotations_wanted() { return false; }
AnnotatedRange::AnnotatedRange(RangeName /*range*/) {}
AnnotatedRange::AnnotatedRange(RangeName /*range*/, const RangePayload& /*payload*/) {}
AnnotatedRange::~AnnotatedRange() {}

}  // namespace hotexpert
