#![no_main]

fuzz::target!(hostile::targets::crest_patch);
