//! The stylesheet, the script and the icon. Each has its content's hash in its name, so browsers
//! keep it for a year.

use kit::http::Answer;

struct Asset {
    name: &'static str,
    extension: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    hash: u64,
}

const fn asset(
    name: &'static str,
    extension: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
) -> Asset {
    Asset {
        name,
        extension,
        content_type,
        bytes,
        hash: fnv_1a(bytes),
    }
}

static STYLE: Asset = asset(
    "shop",
    "css",
    "text/css; charset=utf-8",
    include_bytes!("../assets/shop.css"),
);
static SCRIPT: Asset = asset(
    "shop",
    "js",
    "text/javascript; charset=utf-8",
    include_bytes!("../assets/shop.js"),
);
static ICON: Asset = asset(
    "icon",
    "svg",
    "image/svg+xml",
    include_bytes!("../assets/icon.svg"),
);

/// FNV-1a with 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): made at compile time, and
/// enough to tell one release's file from the next one's.
#[allow(
    clippy::indexing_slicing,
    reason = "the index is below the length, and iterators are not const"
)]
const fn fnv_1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

impl Asset {
    fn path(&self) -> String {
        format!(
            "/assets/{}-{:016x}.{}",
            self.name, self.hash, self.extension
        )
    }
}

/// Where the stylesheet is.
pub fn style_path() -> String {
    STYLE.path()
}

/// Where the script is.
pub fn script_path() -> String {
    SCRIPT.path()
}

/// Where the icon is.
pub fn icon_path() -> String {
    ICON.path()
}

/// The answer to a request for one of them; none for any other path.
pub fn answer(path: &str) -> Option<Answer> {
    let asset = [&STYLE, &SCRIPT, &ICON]
        .into_iter()
        .find(|asset| asset.path() == path)?;
    Some(
        Answer::text(200, asset.content_type, asset.bytes)
            .with("cache-control", "public, max-age=31536000, immutable"),
    )
}

#[cfg(test)]
mod tests {
    use super::{answer, fnv_1a, icon_path, script_path, style_path};

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn an_asset_is_kept_for_a_year_and_another_hash_is_not_found() {
        for path in [style_path(), script_path(), icon_path()] {
            let answer = answer(&path).unwrap();
            assert!(
                answer
                    .header("cache-control")
                    .unwrap()
                    .contains("immutable")
            );
        }
        assert_eq!(answer("/assets/shop-0000000000000000.css"), None);
    }
}
