"""`may trust`: how to trust the cloud's private certificate authority."""

import click

from maycloud.cli.running import Running, with_cloud


@click.command()
@with_cloud
def trust(cloud: Running) -> None:
    """Print how to trust the cloud's certificates, for shells, systems and browsers."""
    ca = cloud.ca_file
    click.echo(f"The cloud's own certificate authority is {ca}\n")
    click.echo(f"  AWS tools, this shell:  export AWS_CA_BUNDLE={ca}")
    click.echo(f"  curl:                   curl --cacert {ca} {cloud.https_url}/_may/health")
    click.echo(f"  Node.js:                export NODE_EXTRA_CA_CERTS={ca}")
    click.echo(f"  Debian, Ubuntu:         sudo cp {ca} /usr/local/share/ca-certificates/maycloud.crt")
    click.echo("                          sudo update-ca-certificates")
    click.echo("  macOS:                  sudo security add-trusted-cert -d -k \\")
    click.echo(f"                            /Library/Keychains/System.keychain {ca}")
    click.echo("  Firefox, Chromium:      import it under Settings, Certificates, Authorities")
