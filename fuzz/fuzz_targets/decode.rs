//! The decoder of hunting answers: whatever the bytes are, it says the same of them in one piece and in two, and never panics. That it says the
//! right thing is what the property tests compare with the slow, obvious decoder.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [high, low, body @ ..] = data else { return };
    let cut = usize::from(*high) << 8 | usize::from(*low);
    xdrkit::decode::agree::same_however_cut(body, cut, 1 + cut % 3);
});
