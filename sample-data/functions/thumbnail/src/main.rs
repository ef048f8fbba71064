//! thumbnail: scales a product photo down. WASI preview 1 command in Rust, heavy on memory and CPU.
//!
//! Payload: `{"width":1600,"height":1200,"to":160,"sharpen":2}`: the photo's size, the thumbnail's width, and
//! the sharpening passes (0 if left out). Reply: `{"width":160,"height":120,"photo_bytes":7680000,"checksum":"..."}`.
//! The photo is made up from its size, so that no image file is needed. It takes 4 bytes a pixel: a photo that
//! does not fit the function's memory ends it out of memory, and a great many passes run into the time-out.
//! A payload without the three sizes is an error: exit code 2.
//! `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.

use std::io::Read;
use std::process::ExitCode;

use kit::json;

const CHANNELS: usize = 4;

struct Order {
    width: usize,
    height: usize,
    to: usize,
    sharpen: usize,
}

/// RGBA, row by row.
struct Image {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

fn main() -> ExitCode {
    let mut payload = String::new();
    let read = std::io::stdin().read_to_string(&mut payload).map_err(|error| error.to_string());
    kit::wait_as_asked(&std::env::var("QUERY_STRING").unwrap_or_default());
    let order = match read.and_then(|_| Order::parse(&payload)) {
        Ok(order) => order,
        Err(reason) => {
            kit::log("error", "payload refused", &[("reason", json::quoted(&reason))]);
            return ExitCode::from(2);
        }
    };
    let photo = Image::photo(order.width, order.height);
    let mut thumbnail = photo.scaled_to(order.to);
    for _ in 0..order.sharpen {
        thumbnail = thumbnail.sharpened();
    }
    kit::log(
        "info",
        "photo scaled",
        &[
            ("photo_bytes", photo.pixels.len().to_string()),
            ("width", thumbnail.width.to_string()),
            ("height", thumbnail.height.to_string()),
        ],
    );
    let reply = [
        ("width", thumbnail.width.to_string()),
        ("height", thumbnail.height.to_string()),
        ("photo_bytes", photo.pixels.len().to_string()),
        ("checksum", format!("\"{:016x}\"", thumbnail.checksum())),
    ];
    println!("{}", json::object(&reply));
    ExitCode::SUCCESS
}

impl Order {
    fn parse(payload: &str) -> Result<Order, String> {
        let value = json::parse(payload)?;
        let number = |name| usize::try_from(value.number_or(name, 0)?).map_err(|_| format!("{name} is too high"));
        let order = Order {
            width: number("width")?,
            height: number("height")?,
            to: number("to")?,
            sharpen: number("sharpen")?,
        };
        let fits =
            (1..=order.width).contains(&order.to) && order.width <= 20_000 && (1..=20_000).contains(&order.height);
        fits.then_some(order)
            .ok_or_else(|| "width, height and to are needed, with 0 < to <= width <= 20000".to_string())
    }
}

impl Image {
    /// A made-up photo: two gradients and a grain.
    fn photo(width: usize, height: usize) -> Image {
        let mut pixels = vec![0; width * height * CHANNELS];
        let mut grain = 1u32;
        for (row, line) in pixels.chunks_exact_mut(width * CHANNELS).enumerate() {
            for (column, pixel) in line.chunks_exact_mut(CHANNELS).enumerate() {
                grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (grain >> 28) as u8;
                pixel[0] = ((column * 240 / width) as u8).saturating_add(noise);
                pixel[1] = ((row * 240 / height) as u8).saturating_add(noise);
                pixel[2] = 128 + noise;
                pixel[3] = 255;
            }
        }
        Image { width, height, pixels }
    }

    /// Scales to `width`, keeping the proportions: each new pixel is the mean of those that it covers.
    fn scaled_to(&self, width: usize) -> Image {
        let height = (self.height * width / self.width).max(1);
        let mut pixels = Vec::with_capacity(width * height * CHANNELS);
        for row in 0..height {
            let rows = span(row, self.height, height);
            for column in 0..width {
                let columns = span(column, self.width, width);
                pixels.extend(self.mean(rows.clone(), columns));
            }
        }
        Image { width, height, pixels }
    }

    fn mean(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> [u8; CHANNELS] {
        let count = (rows.len() * columns.len()) as u64;
        let mut sums = [0u64; CHANNELS];
        for row in rows {
            let start = (row * self.width + columns.start) * CHANNELS;
            let end = (row * self.width + columns.end) * CHANNELS;
            for pixel in self.pixels[start..end].chunks_exact(CHANNELS) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(*value);
                }
            }
        }
        sums.map(|sum| (sum / count) as u8)
    }

    /// Moves each value away from that of its left and right neighbours.
    fn sharpened(&self) -> Image {
        let mut pixels = self.pixels.clone();
        for at in CHANNELS..pixels.len().saturating_sub(CHANNELS) {
            let [left, here, right] = [at - CHANNELS, at, at + CHANNELS].map(|at| i32::from(self.pixels[at]));
            pixels[at] = (here + (2 * here - left - right) / 4).clamp(0, 255) as u8;
        }
        Image { width: self.width, height: self.height, pixels }
    }

    /// FNV-1a over the pixels.
    fn checksum(&self) -> u64 {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        self.pixels.iter().fold(0xcbf2_9ce4_8422_2325, step)
    }
}

/// Which of `from` old pixels the new pixel `at` of `to` covers; never empty, as `to <= from`.
fn span(at: usize, from: usize, to: usize) -> std::ops::Range<usize> {
    let start = at * from / to;
    start..((at + 1) * from / to).max(start + 1)
}
