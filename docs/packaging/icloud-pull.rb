# Homebrew formula.  "make dist" writes it with the address and the checksum of
# the tarball to build/icloud-pull.rb.
class IcloudPull < Formula
  desc "Complete, independent copy of an iCloud Photos library"
  url "@URL@"
  sha256 "@SHA256@"
  license "ISC"

  depends_on "pkgconf" => :build
  depends_on "cjson"
  depends_on "libplist"
  depends_on "openssl@3"
  depends_on "utf8proc"

  uses_from_macos "curl"
  uses_from_macos "sqlite"
  uses_from_macos "zlib"

  def install
    system "make", "install", "PREFIX=#{prefix}"
  end

  # Every night; a run that was slept through is made up for at wake, one that
  # was missed while switched off at the next start.
  service do
    run [opt_bin/"icloud-pull", "sync", "--scheduled"]
    run_type :cron
    cron "10 3 * * *"
    process_type :standard
    log_path var/"log/icloud-pull.log"
    error_log_path var/"log/icloud-pull.log"
  end

  test do
    assert_equal "icloud-pull #{version}\n", shell_output("#{bin}/icloud-pull --version")
    assert_match "#compdef icloud-pull", shell_output("#{bin}/icloud-pull --completion zsh")
    # Nothing was copied here, and it says so without asking the network.
    output = shell_output("#{bin}/icloud-pull status --root #{testpath}/none 2>&1", 2)
    assert_match "There is no copy", output
  end
end
