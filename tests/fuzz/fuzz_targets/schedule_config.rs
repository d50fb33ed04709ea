#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("schedule_config", data));
