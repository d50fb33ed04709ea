//! What is on a display in memory, as a picture for people to look at: everything that somebody before it would see, however
//! the application paints it.

use std::io::Write as _;

use flate2::{Compression, Crc, write::ZlibEncoder};

/// The dump of an X display (the file that Xvfb keeps) as PNG, if it is one with four bytes a pixel.
pub fn png_of(dump: &[u8]) -> Option<Vec<u8>> {
    let word = |place: usize| {
        let bytes = dump.get(place * 4..place * 4 + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let (width, height) = (word(4)?, word(5)?);
    // Behind the head there is a table of colours, in entries of twelve bytes.
    let first = (word(0)? + word(19)? * 12) as usize;
    let line = word(12)? as usize;
    let row = width as usize * 4;
    if word(11)? != 32 || line < row {
        return None;
    }
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::fast());
    let mut out = Vec::with_capacity(width as usize * 3 + 1);
    for seen in dump.get(first..)?.chunks_exact(line).take(height as usize) {
        out.clear();
        // Each line is as it is, without a filter.
        out.push(0);
        out.extend(seen[..row].chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
        pixels.write_all(&out).ok()?;
    }
    // Eight bits of red, green and blue.
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, part) in [(b"IHDR", head), (b"IDAT", pixels.finish().ok()?), (b"IEND", Vec::new())] {
        let named = [&kind[..], &part].concat();
        let mut sum = Crc::new();
        sum.update(&named);
        png.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
        png.extend(named);
        png.extend(sum.sum().to_be_bytes());
    }
    Some(png)
}

#[test]
fn a_dump_becomes_a_picture_of_its_size() {
    let mut dump = vec![0_u8; 25 * 4];
    let (head, colours, width, height, line) = (100_u32, 1_u32, 2_u32, 1_u32, 8_u32);
    for (place, word) in [(0, head), (4, width), (5, height), (11, 32), (12, line), (19, colours)] {
        dump[place * 4..place * 4 + 4].copy_from_slice(&word.to_be_bytes());
    }
    dump.extend([0; 12]);
    dump.extend([3, 2, 1, 0, 6, 5, 4, 0]);
    let png = png_of(&dump).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(png[16..24], [0, 0, 0, 2, 0, 0, 0, 1]);
    assert_eq!(png_of(&dump[..40]), None);
}
