"""The listening desk: who may listen and why, waveforms, marks on the time line, copies that leave the house."""
