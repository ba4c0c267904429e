# Sisimai over the messages of FILE, a line of base64 each, over and over: peer.pl FILE SECONDS
use strict;
use warnings;
use MIME::Base64;
use Sisimai;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($path, $seconds) = @ARGV;
my $method = Sisimai->can('rise') || Sisimai->can('make');
open(my $lines, '<', $path) or die $!;
my @messages = map { my $text = decode_base64($_); $text =~ s/\r\n/\n/g; $text } <$lines>;
local $SIG{__WARN__} = sub { };

sub look { my $text = shift; my $found = eval { Sisimai->$method(\$text) }; return $found && @$found ? 1 : 0; }

my $understood = 0;
$understood += look($_) for @messages;
my ($began, $count) = (clock_gettime(CLOCK_MONOTONIC), 0);
my ($user, $system) = times;
while (clock_gettime(CLOCK_MONOTONIC) - $began < $seconds) {
  look($_) for @messages;
  $count += @messages;
}
my $ms = (clock_gettime(CLOCK_MONOTONIC) - $began) * 1000;
my ($user_after, $system_after) = times;
open(my $status, '<', '/proc/self/status') or die $!;
my ($memory) = map { /^VmHWM:\s+(\d+)/ ? $1 / 1024 : () } <$status>;
printf(qq({"count":%d,"ms":%.3f,"cpuMs":%.3f,"memory":%.1f,"understood":%.4f}\n),
  $count, $ms, ($user_after + $system_after - $user - $system) * 1000, $memory, $understood / @messages);
