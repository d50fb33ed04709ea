//! `concord completions`, and the files that packages install.

use std::fs;

use crate::house::House;

#[test]
fn shells_and_man_are_told_what_there_is() {
    let house = House::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = house.concord(&["completions", shell]).exits(0).out;
        assert!(script.contains("recon") && script.contains("data-dir"), "{shell}");
        assert_eq!(house.json(0, &["completions", shell])["script"], script.as_str(), "{shell}");
    }
    let folder = house.folder.path().join("files");
    house.concord(&["package-files", folder.to_str().unwrap()]).exits(0);
    let page = fs::read_to_string(folder.join("man/concord-recon.1")).unwrap();
    assert!(page.contains("--incremental") || page.contains("\\-\\-incremental"), "{page}");
    for file in ["man/concord.1", "concord.bash", "_concord", "concord.fish"] {
        assert!(fs::metadata(folder.join(file)).unwrap().len() > 0, "{file}");
    }
    assert!(!house.data_dir().exists(), "neither needs a data folder");
    let cannot = house.text_file("a-file", "");
    house.concord(&["package-files", &cannot]).exits(1).says(&["a-file", "cannot be written"]);
}
