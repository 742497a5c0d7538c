"""Tencent RTC's cloud recording (API of 2019-07-22): CreateCloudRecording, Describe-, Modify- and Delete-."""
