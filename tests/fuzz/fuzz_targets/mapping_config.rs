#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("mapping_config", data));
